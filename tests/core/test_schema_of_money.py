"""Migration 0004: what was sold before it comes through, and back, on SQLite and PostgreSQL."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, SQLModel, select

from core import schema
from core.backends import open_database
from models.account import Account
from models.cart import CartCoupon, CartItem, CartPass, Size
from models.job import Job, JobKind
from models.ledger import Book, EntryKind, LedgerEntry, LedgerPosting, Payout
from models.mail import MailKind, OutboxMail
from models.notice import Notice, NoticeKind
from models.order import Download, LineItem, LineKind, Order, OrderStatus, ReceivedEvent
from models.photo import Photo
from models.price import Coupon, PriceList
from models.refund import (
    Dispute,
    Receipt,
    ReceiptKind,
    ReceiptSeries,
    Refund,
    RefundLine,
)
from tests import postgres

PAID_AT = datetime(2026, 10, 18, 9, 30, tzinfo=UTC)
ORDER, LINE, FRESH_LINE, PHOTO, FRESH_PHOTO, FILE, FRESH_FILE = (UUID(int=number) for number in range(11, 18))
PASS_ORDER, PASS_LINE, GONE_LINE, PASS_FILE, WITHDRAWN = (UUID(int=number) for number in range(21, 26))
PHOTO_ROW = (
    "1, 1, 2, '{name}.jpg', '{name}', 1, 'image/jpeg', 1, 1, NULL, NULL, false, 'indexed', 'approved', "
)
PHOTO_ROW += "NULL, NULL, NULL, NULL, 1, '2026-10-17', NULL"
# Two sold photos of a photographer who is a member: one was fetched, and the gateway had said so.
AS_IT_WAS = {
    "account": (
        "1, 'a@example.org', 'A', 'x', 'organiser', true, false, '2026-10-17'",
        "2, 'b@example.org', 'B', 'x', 'photographer', true, false, '2026-10-17'",
    ),
    "event": (
        "1, 'run', 'Run', '2026-10-17', 'Asia/Bangkok', '', '', NULL, 0, 'THB', 'on_sale', 'listed', "
        "NULL, 1, '2026-10-17'",
    ),
    "gallery": ("1, 1, 'All photos', 0",),
    "event_member": ("1, 2, 'photographer', 70, '2026-10-17'",),
    "photo": (
        f"'{{PHOTO}}', {PHOTO_ROW.format(name='a')}",
        f"'{{FRESH_PHOTO}}', {PHOTO_ROW.format(name='b')}",
    ),
    "cart_item": ("'v', '{PHOTO}', '2026-10-17'",),
    "purchase": (
        "'{ORDER}', 'v', NULL, 'c@example.org', 'paid', 24000, 'THB', 'demo', 'c1', NULL, NULL, "
        "'2026-10-18', '2026-10-19', '2026-10-18 09:30:00{utc}'",
    ),
    "line_item": (
        "'{LINE}', '{ORDER}', 1, '{PHOTO}', 'a.jpg', 12000, 'THB'",
        "'{FRESH_LINE}', '{ORDER}', 1, '{FRESH_PHOTO}', 'b.jpg', 12000, 'THB'",
    ),
    "received_event": ("'e1', '{ORDER}', 'c1', 'paid', 24000, 'THB', '2026-10-18', '2026-10-18'",),
    "download": (
        "'{FILE}', '{ORDER}', '{LINE}', '{PHOTO}', '2026-11-18', 5, 2",
        "'{FRESH_FILE}', '{ORDER}', '{FRESH_LINE}', '{FRESH_PHOTO}', '2026-11-18', 5, 0",
    ),
    "notice": (
        "1, 1, 'order.paid', '2026-10-18', '{{}}'",
        "2, 1, 'order.paid', '2026-10-18', '{{}}'",
    ),
    "job": (
        "1, 'send_password_reset', '1', NULL, 'due', '2026-10-18', 0, NULL, NULL, NULL, '2026-10-18', NULL",
        "2, 'settle_order', '{ORDER}', NULL, 'due', '2026-10-18', 0, NULL, NULL, NULL, '2026-10-18', NULL",
    ),
}


def make_engine(request, tmp_path) -> Engine:
    if request.param == "sqlite":
        return open_database(f"sqlite:///{tmp_path / 'sold.db'}")
    return open_database(postgres.fresh_database(request.getfixturevalue("postgresql")))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def engine(request, tmp_path) -> Iterator[Engine]:
    """A database of revision 0003 in which two photos were sold."""
    made = make_engine(request, tmp_path)
    schema.upgrade(made, "0003")
    is_lite = made.dialect.name == "sqlite"
    ids = {name: value.hex if is_lite else str(value) for name, value in globals().items() if is_id(value)}
    with made.begin() as connection:
        for table, rows in AS_IT_WAS.items():
            for row in rows:
                values = row.format(**ids, utc="" if is_lite else "+00")
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608
        if not is_lite:  # the rows named their numbers themselves
            connection.execute(text("SELECT setval('notice_id_seq', 2), setval('job_id_seq', 2)"))
    yield made
    made.dispose()


def is_id(value: object) -> bool:
    return isinstance(value, UUID)


def everything(engine: Engine, *tables: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables as the database gives it, whatever the models say."""
    with engine.connect() as connection:
        return {
            table: sorted(
                (dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()),  # noqa: S608
                key=repr,
            )
            for table in tables
        }


def all_of(engine: Engine, table: type) -> list:
    with Session(engine) as session:
        return list(session.exec(select(table)))


def add_money(engine: Engine) -> None:
    """Add a row of every table that is new, and what revision 0003 has no words for."""
    with Session(engine) as session, session.begin():
        session.add(PriceList(event_id=1, web_amount=5000, tiers=[[5, 10]]))
        coupon = Coupon(event_id=1, code="RUN10", percent=10)
        session.add_all([coupon, CartPass(visitor_key="v", event_id=1)])
        session.flush()
        session.add(CartCoupon(visitor_key="v", coupon_id=coupon.id))
        add_refunded(session, coupon)
        add_pass(session)
        session.add(OutboxMail(kind=MailKind.REFUND, subject="r", to="c@example.org", data={"order": "x"}))
        session.add(Job(kind=JobKind.SEND_MAIL, subject="x"))
        session.add(Notice(event_id=1, kind=NoticeKind.ORDER_REFUNDED))
        session.add(ReceivedEvent(id="e2", kind="charge.refunded", payment_id="pi_1"))
        session.add(ReceivedEvent(id="e3", kind="checkout.paid", payment_id="c1", order_id=ORDER))


def add_refunded(session: Session, coupon: Coupon) -> None:
    """Give all the money of the order back: the fresh file is withdrawn, its photo's line is empty."""
    order = session.get_one(Order, ORDER)
    order.status, order.coupon_id = OrderStatus.REFUNDED, coupon.id
    refund = Refund(order_id=ORDER, amount=24000, currency="THB")
    session.add(refund)
    session.flush()
    session.add(RefundLine(refund_id=refund.id, line_item_id=LINE, amount=12000))
    paper = {"kind": ReceiptKind.CREDIT_NOTE, "year": 2026}
    session.add(ReceiptSeries(**paper, last_number=1))
    paper |= {"number": 1, "order_id": ORDER, "refund_id": refund.id, "amount": 24000, "tax_amount": 0}
    session.add(Receipt(**paper, currency="THB", seller="Encore"))
    session.add(Dispute(id="dp_1", order_id=ORDER, amount=24000, currency="THB"))
    entry = {"kind": EntryKind.REFUND, "subject": "r", "order_id": ORDER, "currency": "THB"}
    row = LedgerEntry(**entry, previous_hash="", hash="h")
    session.add(row)
    session.flush()
    session.add(LedgerPosting(entry_id=row.id, book=Book.OWED, account_id=2, line_item_id=LINE, amount=1))
    days = {"period_start": date(2026, 10, 1), "period_end": date(2026, 11, 1)}
    session.add(Payout(account_id=2, currency="THB", **days, amount=100, created_by=1))
    session.get_one(Download, FRESH_FILE).withdrawn_at = PAID_AT
    gone = session.get_one(LineItem, FRESH_LINE)
    gone.refunded_amount = gone.amount


def add_pass(session: Session) -> None:
    """Sell a pass, and a line whose photo is gone."""
    order = {"visitor_key": "w", "email": "d@example.org", "currency": "THB", "gateway": "demo"}
    session.add(
        Order(id=PASS_ORDER, status=OrderStatus.PAID, total_amount=50000, expires_at=PAID_AT, **order)
    )
    session.flush()
    line = {"order_id": PASS_ORDER, "event_id": 1, "amount": 50000, "currency": "THB"}
    session.add(LineItem(id=PASS_LINE, kind=LineKind.PASS, label="Run", **line))
    session.add(LineItem(id=GONE_LINE, photo_id=None, label="gone.jpg", **line))
    session.flush()
    file = {"order_id": PASS_ORDER, "line_item_id": PASS_LINE, "photo_id": PHOTO, "limit": 5}
    session.add(Download(id=PASS_FILE, expires_at=PAID_AT, **file))


def test_what_was_sold_comes_through_with_how_it_was_sold(engine):
    schema.upgrade(engine)

    (order,), (note,) = all_of(engine, Order), all_of(engine, ReceivedEvent)
    with Session(engine) as session:
        line, fresh_line = session.get(LineItem, LINE), session.get(LineItem, FRESH_LINE)
        file, fresh_file = session.get(Download, FILE), session.get(Download, FRESH_FILE)
        assert session.get(CartItem, ("v", PHOTO)).size is Size.FULL
    assert (order.id, order.status, order.total_amount, order.paid_at) == (
        ORDER,
        OrderStatus.PAID,
        24000,
        PAID_AT,
    )
    assert (order.tax_amount, order.bill, order.coupon_id, order.link_version) == (0, [], None, 0)
    assert (note.kind, note.payment_id, note.order_id) == ("checkout.paid", "c1", ORDER)
    assert (line.kind, line.size, line.is_gift) == (LineKind.PHOTO, Size.FULL, False)
    assert (line.list_amount, line.amount, line.tax_amount, line.refunded_amount) == (12000, 12000, 0, 0)
    assert (line.photographer_id, line.commission_percent, line.platform_percent) == (2, 70, 0)
    assert fresh_line.photo_id == FRESH_PHOTO
    assert (file.size, file.count, file.fetched_at, file.withdrawn_at) == (Size.FULL, 2, PAID_AT, None)
    assert (fresh_file.count, fresh_file.fetched_at) == (0, None)


def test_a_photographer_who_is_no_member_has_no_commission(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM event_member"))

    schema.upgrade(engine)

    assert {(line.photographer_id, line.commission_percent) for line in all_of(engine, LineItem)} == {(2, 0)}


def test_what_was_sold_is_the_same_after_the_way_there_and_back(engine):
    names = set(AS_IT_WAS) - {"job"}
    before = everything(engine, *names)

    schema.upgrade(engine)
    schema.downgrade(engine, "0003")

    assert everything(engine, *names) == before
    assert set(inspect(engine).get_table_names()) & {f"{name}_before" for name in names} == set()


def test_a_password_reset_that_waited_is_forgotten_and_other_work_stays(engine):
    schema.upgrade(engine)

    assert [job.kind for job in all_of(engine, Job)] == [JobKind.SETTLE_ORDER]


def test_the_numbers_of_notices_go_on_though_the_newest_are_gone(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM notice WHERE id = 2"))

    schema.upgrade(engine)
    schema.downgrade(engine, "0003")
    schema.upgrade(engine)
    with Session(engine) as session, session.begin():
        session.add(Notice(event_id=1, kind=NoticeKind.ORDER_DISPUTED))

    assert {notice.id for notice in all_of(engine, Notice)} == {1, 3}


def test_the_way_back_keeps_orders_and_delivers_nothing_whose_money_went_back(engine):
    before = everything(engine, "line_item", "photo", "cart_item", "received_event")
    schema.upgrade(engine)
    add_money(engine)

    schema.downgrade(engine, "0003")

    left = everything(engine, "purchase", "download")
    assert {row["status"] for row in left["purchase"]} == {"held", "paid"}
    assert len(left["download"]) == 1
    assert everything(engine, *before) == before


def test_the_way_up_is_open_again_after_the_way_back_with_everything_sold(engine):
    schema.upgrade(engine)
    add_money(engine)

    schema.downgrade(engine, "0003")
    schema.upgrade(engine)

    command.check(schema.configuration(engine))
    assert [line.photographer_id for line in all_of(engine, LineItem)] == [2, 2]
    assert [file.id for file in all_of(engine, Download)] == [FILE]
    assert all_of(engine, LedgerEntry) == all_of(engine, OutboxMail) == []


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("change", ["UPDATE {table} SET id = id + 1", "DELETE FROM {table}"])
def test_the_ledger_refuses_every_change_after_the_migration(engine, table, change):
    schema.upgrade(engine)
    add_money(engine)

    with pytest.raises(Exception, match="the ledger is append only"), engine.begin() as connection:
        connection.execute(text(change.format(table=table)))


def checks(engine: Engine) -> dict[str, dict[str, set[str]]]:
    """Every table's CHECKs: their names, and the words and numbers in them."""
    seen = inspect(engine)
    return {
        table: {
            str(check["name"]): set(re.findall(r"'[\w.]+'|\w+", re.sub("::[ a-z]+", "", check["sqltext"])))
            for check in seen.get_check_constraints(table)
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def test_the_database_checks_what_the_models_say(engine, request, tmp_path):
    made = make_engine_beside(engine, request, tmp_path)
    SQLModel.metadata.create_all(made)
    schema.upgrade(engine)

    migrated, modelled = checks(engine), checks(made)
    made.dispose()

    assert migrated == modelled
    assert "'refunded'" in migrated["purchase"]["ck_purchase_orderstatus"]


def make_engine_beside(engine: Engine, request, tmp_path) -> Engine:
    if engine.dialect.name == "sqlite":
        return open_database(f"sqlite:///{tmp_path / 'modelled.db'}")
    return open_database(postgres.fresh_database(request.getfixturevalue("postgresql")))


def test_photos_and_accounts_that_were_sold_by_are_still_held_by_their_lines(engine):
    """The tables that were made anew refer to others as before."""
    schema.upgrade(engine)

    for table in (Photo, Account):
        with pytest.raises(Exception, match=r"(?i)foreign key"), engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table.__tablename__}"))  # noqa: S608
