"""What each kind of mail says, and when there is nothing left to say."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from core import correspondence, members, orders, outbox, resets
from core.backends import Backends
from core.ports import Mail
from models.account import Account
from models.event import Event, MemberRole
from models.ledger import Payout, PayoutStatus
from models.mail import MailKind, OutboxMail
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.refund import Receipt, ReceiptKind, Refund, RefundLine, RefundStatus
from tests.core.test_outbox import all_of
from tests.makers import make_account, make_event, make_member, make_photo, owner_of

BUYER = "runner@example.org"
PAID_AT = datetime(2026, 10, 18, 20, 0, tzinfo=UTC)  # the 19th at the event
BILL = [
    {
        "kind": "photos",
        "label": "Night run",
        "count": 2,
        "unit_amount": 12_000,
        "percent": 0,
        "amount": 24_000,
    },
    {"kind": "coupon", "label": "SPRING", "count": 0, "unit_amount": 0, "percent": 10, "amount": -2_400},
]


@dataclass
class Bought:
    """A paid order of two photos."""

    order: Order
    event: Event
    lines: list[LineItem] = field(default_factory=list)


@pytest.fixture
def event(backends) -> Event:
    return make_event(backends, name="Night run")


@pytest.fixture
def bought(backends, event) -> Bought:
    return buy(backends, event)


def buy(backends: Backends, event: Event, **fields: object) -> Bought:
    known = {"visitor_key": uuid4().hex, "email": BUYER, "status": OrderStatus.PAID, "paid_at": PAID_AT}
    amounts = {"total_amount": 21_600, "currency": "THB", "bill": BILL}
    order = Order(**(known | amounts | fields), gateway="demo", expires_at=PAID_AT)
    photos = [make_photo(backends, event, filename=f"IMG_{number}.jpg") for number in (1, 2)]
    lines = [
        LineItem(
            order_id=order.id,
            event_id=event.id,
            kind=LineKind.PHOTO,
            photo_id=photo.id,
            label=f"{event.name} · {photo.filename}",
            amount=10_800,
            currency="THB",
        )
        for photo in photos
    ]
    until = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)  # the 18th at the event
    downloads = [
        Download(
            id=uuid4(),
            order_id=order.id,
            line_item_id=line.id,
            photo_id=line.photo_id,
            expires_at=until,
            limit=20,
        )
        for line in lines
    ]
    for rows in ([order], lines, downloads):
        keep(backends, *rows)
    return Bought(order, event, lines)


def keep(backends: Backends, *rows: object) -> None:
    with backends.transaction() as session:
        session.add_all(rows)


def change(backends: Backends, row: object, **values: object) -> None:
    with backends.transaction() as session:
        for name, value in values.items():
            setattr(session.merge(row), name, value)


def composed(
    backends: Backends, kind: MailKind, subject: object, to: str = BUYER, **data: int | str
) -> Mail | None:
    """What a mail says when its turn comes."""
    return correspondence.compose(backends, OutboxMail(kind=kind, subject=str(subject), to=to, data=data))


def flat(mail: Mail | None) -> str:
    """The words of a mail, with single spaces."""
    assert mail is not None
    return " ".join(mail.text.split())


def link(backends: Backends, order: Order) -> str:
    return backends.settings.url(orders.address(backends, order))


def refunded(backends: Backends, bought: Bought, **fields: object) -> Refund:
    """A refund of the first photo."""
    known = {"order_id": bought.order.id, "amount": 10_800, "currency": "THB"}
    refund = Refund(**(known | {"status": RefundStatus.PENDING} | fields))
    keep(backends, refund)
    keep(backends, RefundLine(refund_id=refund.id, line_item_id=bought.lines[0].id, amount=10_800))
    return refund


def paper(backends: Backends, bought: Bought, **fields: object) -> Receipt:
    known = {"kind": ReceiptKind.RECEIPT, "year": 2026, "number": 42, "order_id": bought.order.id}
    amounts = {"amount": 21_600, "tax_amount": 1_413, "currency": "THB", "issued_at": PAID_AT}
    receipt = Receipt(**(known | amounts | {"seller": "Encore Co.\n1 Rama Rd\nTax 0105"} | fields))
    keep(backends, receipt)
    return receipt


# --- buyers --------------------------------------------------------------------------------


def test_a_confirmation_says_what_was_bought_and_where_it_is(backends, bought):
    mail = composed(backends, MailKind.ORDER_CONFIRMATION, bought.order.id)

    assert mail.subject == "Your photos are ready: Night run"
    said = flat(mail)
    assert "Night run · full size: 2 × ฿120 ฿240" in said
    assert "Coupon SPRING −10 % −฿24" in said
    assert "Total ฿216" in said
    assert "The files can be fetched until 18 Nov 2026." in said
    assert link(backends, bought.order) in mail.text.splitlines()
    assert mail.html.count(f'href="{link(backends, bought.order)}"') == 1 + 1


def test_the_link_of_a_confirmation_opens_the_order(backends, bought):
    mail = composed(backends, MailKind.ORDER_CONFIRMATION, bought.order.id)

    (token,) = re.findall(r"/order\?o=(\S+)", mail.text)
    assert orders.by_token(backends, token).id == bought.order.id


def test_a_buyer_with_an_account_is_greeted_by_name(backends, event):
    account = make_account(backends, email=BUYER, name="Ada")
    own = buy(backends, event, account_id=account.id)
    for_another = buy(backends, event, account_id=account.id, email="friend@example.org")

    assert flat(composed(backends, MailKind.ORDER_CONFIRMATION, own.order.id)).startswith("Hello Ada,")
    assert flat(composed(backends, MailKind.ORDER_CONFIRMATION, for_another.order.id)).startswith("Hello, ")


@pytest.mark.parametrize("status", [status for status in OrderStatus if status is not OrderStatus.PAID])
def test_an_order_that_is_not_paid_any_more_is_not_confirmed(backends, bought, status):
    change(backends, bought.order, status=status)

    assert composed(backends, MailKind.ORDER_CONFIRMATION, bought.order.id) is None


def test_an_order_from_before_there_were_bills_is_confirmed_by_its_lines(backends, event):
    bought = buy(backends, event, bill=[])

    mail = composed(backends, MailKind.ORDER_CONFIRMATION, bought.order.id)

    assert "Night run · full size: 2 × ฿108 ฿216" in flat(mail)


def test_a_receipt_has_its_number_its_day_its_seller_and_its_lines(backends, bought):
    receipt = paper(backends, bought)

    mail = composed(backends, MailKind.RECEIPT, receipt.code)

    assert mail.subject == "Receipt R2026-000042"
    said = flat(mail)
    assert f"Receipt R2026-000042 of 19 Oct 2026, for {BUYER}." in said
    assert "Seller: Encore Co., 1 Rama Rd, Tax 0105" in said
    assert "Night run · full size: 2 × ฿120 ฿240" in said
    assert "Total ฿216" in said


def test_a_receipt_without_a_seller_leaves_the_line_out(backends, bought):
    paper(backends, bought, seller="")

    assert "Seller" not in flat(composed(backends, MailKind.RECEIPT, "R2026-000042"))


def test_a_credit_note_has_what_went_back_and_the_tax_in_it(backends, bought):
    refund = refunded(backends, bought)
    fields = {"amount": 10_800, "tax_amount": 707, "refund_id": refund.id, "number": 3}
    paper(backends, bought, kind=ReceiptKind.CREDIT_NOTE, **fields)

    mail = composed(backends, MailKind.RECEIPT, "C2026-000003")

    assert mail.subject == "Credit note C2026-000003"
    said = flat(mail)
    assert "Night run · IMG_1.jpg ฿108" in said
    assert "IMG_2.jpg" not in said
    assert "Total ฿108 Tax included ฿7.07" in said


@pytest.mark.parametrize("code", ["R2026-000043", "C2026-000042", "nonsense", ""])
def test_a_receipt_that_was_never_written_is_not_sent(backends, bought, code):
    paper(backends, bought)

    assert composed(backends, MailKind.RECEIPT, code) is None


def test_a_refund_says_how_much_goes_back_for_what_and_how_long_it_takes(backends, bought):
    refund = refunded(backends, bought)

    mail = composed(backends, MailKind.REFUND, refund.id)

    assert mail.subject == "Your refund of ฿108"
    said = flat(mail)
    assert "฿108 of what you paid on 19 Oct 2026 goes back to you" in said
    assert "up to ten days" in said
    assert "Night run · IMG_1.jpg ฿108" in said
    assert "IMG_2.jpg" not in said
    assert "can no longer be fetched" in said


def test_a_refund_made_at_the_gateway_names_no_photos_for_none_are_withdrawn(backends, bought):
    refund = refunded(backends, bought, is_foreign=True)

    said = flat(composed(backends, MailKind.REFUND, refund.id))

    assert "฿108" in said
    assert "IMG_" not in said
    assert "no longer" not in said


def test_a_refund_that_failed_is_not_promised(backends, bought):
    refund = refunded(backends, bought, status=RefundStatus.FAILED)

    assert composed(backends, MailKind.REFUND, refund.id) is None


def test_links_sent_for_one_order_are_to_that_order(backends, event, bought):
    buy(backends, event)

    mail = composed(backends, MailKind.ORDER_LINKS, "any", order_id=str(bought.order.id))

    assert set(re.findall(r"http\S+/order\S+", mail.text)) == {link(backends, bought.order)}


def test_links_of_an_order_are_sent_to_nobody_but_its_buyer(backends, bought):
    named = {"order_id": str(bought.order.id)}

    assert composed(backends, MailKind.ORDER_LINKS, "any", "eve@example.org", **named) is None


def test_an_order_that_was_meant_to_be_told_of_and_is_gone_is_not_told_of(backends):
    for kind in (MailKind.ORDER_CONFIRMATION, MailKind.REFUND):
        assert composed(backends, kind, uuid4()) is None


# --- those who sign in ---------------------------------------------------------------------


def test_a_new_password_is_chosen_by_the_link_in_the_mail(backends):
    ada = make_account(backends, name="Ada")

    mail = composed(backends, MailKind.PASSWORD_RESET, "any", ada.email, account_id=ada.id)

    assert mail.subject == "Your new password for Encore"
    (code,) = re.findall(r"/reset\?code=(\S+)", mail.text)
    assert resets.owner(backends, code) == ada
    assert "works once, for 60 minutes" in mail.text


def test_who_was_disabled_meanwhile_is_sent_no_new_password(backends):
    ada = make_account(backends, is_active=False)

    assert composed(backends, MailKind.PASSWORD_RESET, "any", ada.email, account_id=ada.id) is None


@pytest.mark.parametrize(
    ("role", "duty"),
    [
        (MemberRole.CO_ORGANISER, "co-organiser"),
        (MemberRole.PHOTOGRAPHER, "upload your photos"),
        (MemberRole.ANALYST, "analyst"),
        (MemberRole.DOOR, "at the door"),
    ],
)
def test_who_is_added_to_an_event_learns_it_by_mail(backends, work, event, role, duty):
    ada = make_account(backends, name="Ada")

    members.put(backends, event.id, ada.email, role, by=owner_of(backends, event))
    work()

    (mail,) = backends.mailer.sent
    assert (mail.to, mail.subject) == (ada.email, "You are part of Night run")
    said = flat(mail)
    assert "You are now part of Night run, held on 17 Oct 2026." in said
    assert duty in said
    assert f"http://localhost:8501/event?id={event.id}" in mail.text.splitlines()


def test_each_part_is_told_once_and_a_changed_commission_is_not(backends, work, event):
    ada, owner = make_account(backends), owner_of(backends, event)
    for role, percent in (
        (MemberRole.PHOTOGRAPHER, 50),
        (MemberRole.PHOTOGRAPHER, 60),
        (MemberRole.ANALYST, 0),
        (MemberRole.PHOTOGRAPHER, 50),
    ):
        members.put(backends, event.id, ada.email, role, percent, by=owner)
        work()

    said = [flat(mail) for mail in backends.mailer.sent]
    assert ["photographer" in words for words in said] == [True, False]
    assert "analyst" in said[1]


def test_who_had_a_part_before_there_were_invitations_is_sent_none_for_a_commission(backends, work, event):
    ada = make_member(backends, event, MemberRole.PHOTOGRAPHER)

    members.put(backends, event.id, ada.email, MemberRole.PHOTOGRAPHER, 60, by=owner_of(backends, event))

    assert work() == 0


def test_an_organiser_is_not_told_of_what_they_do_to_themselves(backends, work, event):
    make_member(backends, event, MemberRole.CO_ORGANISER)
    owner = owner_of(backends, event)

    members.put(backends, event.id, owner.email, MemberRole.ANALYST, by=owner)

    assert work() == 0


def test_who_was_given_another_part_before_the_mail_left_learns_of_that_one_only(backends, work, event):
    ada, owner = make_account(backends), owner_of(backends, event)
    for role in (MemberRole.PHOTOGRAPHER, MemberRole.ANALYST):
        members.put(backends, event.id, ada.email, role, by=owner)

    work()

    assert ["analyst" in flat(mail) for mail in backends.mailer.sent] == [True]


def test_who_was_removed_before_the_mail_left_is_not_invited(backends, event):
    ada = make_member(backends, event, MemberRole.DOOR)
    owner = owner_of(backends, event)
    told = {"event_id": event.id, "account_id": ada.id, "role": "door"}
    assert composed(backends, MailKind.INVITATION, "any", ada.email, **told) is not None

    members.remove(backends, event.id, ada.id, by=owner)

    assert composed(backends, MailKind.INVITATION, "any", ada.email, **told) is None


def make_payout(backends: Backends, account: Account, **fields: object) -> Payout:
    period = {"period_start": date(2026, 10, 1), "period_end": date(2026, 11, 1)}
    known = {"account_id": account.id, "currency": "THB", "amount": 123_450, "created_by": account.id}
    payout = Payout(**(known | period | {"status": PayoutStatus.PAID, "reference": "KBANK 77"} | fields))
    keep(backends, payout)
    return payout


def test_a_payout_says_how_much_for_which_days_and_under_what_reference(backends):
    ada = make_account(backends, name="Ada")
    payout = make_payout(backends, ada)

    mail = composed(backends, MailKind.PAYOUT, payout.id, ada.email)

    assert mail.subject == "Your payout of ฿1,234.50"
    said = flat(mail)
    assert "sold from 1 Oct 2026 to 31 Oct 2026 was paid out" in said
    assert "Reference KBANK 77 Total ฿1,234.50" in said


def test_a_payout_that_was_cancelled_is_not_announced(backends):
    payout = make_payout(backends, make_account(backends), status=PayoutStatus.CANCELLED)

    assert composed(backends, MailKind.PAYOUT, payout.id) is None


# --- all of them ---------------------------------------------------------------------------


def test_no_row_of_the_outbox_holds_a_link_or_a_code(backends, event, bought):
    ada = make_account(backends)
    members.put(backends, event.id, ada.email, MemberRole.DOOR, by=owner_of(backends, event))
    resets.request(backends, ada.email)
    with backends.transaction() as session:
        outbox.put(session, MailKind.ORDER_CONFIRMATION, bought.order.id, BUYER)

    rows = [f"{mail.subject} {mail.data}" for mail in all_of(backends, OutboxMail)]
    assert len(rows) == 3
    assert not [
        row for row in rows if "http" in row or "code" in row or link(backends, bought.order)[-20:] in row
    ]


def test_an_event_called_like_a_head_line_stays_a_name(backends):
    event = make_event(backends, name="Run\r\nBcc: eve@example.org <b>")
    bought = buy(backends, event)

    mail = composed(backends, MailKind.ORDER_CONFIRMATION, bought.order.id)

    assert mail.subject == "Your photos are ready: Run Bcc: eve@example.org <b>"
    assert "<b>" not in mail.html
    backends.mailer.send(mail)


def test_day_and_hour_are_the_events_own(backends, bought):
    change(backends, bought.order, paid_at=PAID_AT - timedelta(hours=4))
    refund = refunded(backends, bought)

    assert "18 Oct 2026" in flat(composed(backends, MailKind.REFUND, refund.id))
