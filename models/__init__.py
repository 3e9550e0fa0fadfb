"""The tables, one file per noun. Importing this package registers every table."""

from models import (  # noqa: F401  (imported for their tables)
    account,
    activity,
    audit,
    cart,
    consent,
    event,
    face,
    idempotency,
    job,
    ledger,
    mail,
    notice,
    order,
    photo,
    price,
    refund,
    sharing,
    webhook,
)
