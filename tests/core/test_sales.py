"""Orders as an event's organiser sees them: found, opened, sent again, and nothing of other events."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlmodel import select

from core import downloads, orders, refund_answers, sales, spreadsheets
from core.access import NoSuchEvent
from core.errors import Forbidden, NotFound
from core.paging import Asked
from models.account import Role
from models.audit import AuditEntry
from models.event import MemberRole
from models.mail import MailKind, OutboxMail
from models.order import Download, LineItem, LineKind, Order, OrderStatus
from models.refund import Dispute, Receipt, ReceiptKind, RefundStatus
from tests.core.test_statements import at
from tests.makers import make_account, make_event, make_member, make_photo, owner_of, some_id

ALL = Asked(50)


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def owner(backends, event):
    return owner_of(backends, event)


def make_sale(backends, *photos, email="runner@example.org", status=OrderStatus.PAID, **fields) -> Order:
    """An order of these photos at ฿120 each; a paid one has its files."""
    order = Order(
        visitor_key="v",
        email=email,
        status=status,
        total_amount=12_000 * len(photos),
        currency="THB",
        gateway="demo",
        created_at=backends.now(),
        expires_at=backends.now(),
        paid_at=backends.now() if status is OrderStatus.PAID else None,
        **fields,
    )
    lines = [
        LineItem(
            order_id=order.id,
            event_id=photo.event_id,
            photo_id=photo.id,
            label=photo.filename,
            list_amount=12_000,
            amount=12_000,
            currency="THB",
        )
        for photo in photos
    ]
    with backends.transaction() as session:
        session.add(order)
        session.flush()
        session.add_all(lines)
        session.flush()
        if status is OrderStatus.PAID:
            downloads.grant(backends, session, lines)
    return order


def found(backends, event, by, **filters) -> list:
    return [sale.id for sale in sales.listing(backends, event.id, ALL, by=by, **filters).items]


def refund(backends, order, parts: dict, reason="Blurred") -> None:
    with backends.transaction() as session:
        refund_answers.write(backends, session, order, parts, reason=reason)


def test_orders_are_listed_newest_first_page_by_page(backends, event, owner):
    made = []
    for day in (1, 2, 3):
        at(backends, 2026, 10, day)
        made.append(make_sale(backends, make_photo(backends, event)).id)

    first = sales.listing(backends, event.id, Asked(2), by=owner)
    second = sales.listing(backends, event.id, Asked(2, first.next_cursor), by=owner)

    assert [sale.id for sale in first.items] == [made[2], made[1]]
    assert [sale.id for sale in second.items] == [made[0]]
    assert second.next_cursor is None


def test_of_an_order_at_two_events_each_organiser_sees_their_own_part_only(backends, event, owner):
    other = make_event(backends)
    mine, theirs = make_photo(backends, event), make_photo(backends, other)
    order = make_sale(backends, mine, theirs)

    (sale,) = sales.listing(backends, event.id, ALL, by=owner).items
    details = sales.find(backends, event.id, order.id, by=owner)

    assert [line.photo_id for line in sale.lines] == [mine.id]
    assert (sale.amount, sale.photo_count, sale.refunded_amount) == (12_000, 1, 0)
    assert details.sale == sale
    assert not hasattr(sale, "total_amount")


def test_orders_without_a_photo_of_the_event_are_not_there(backends, event, owner):
    order = make_sale(backends, make_photo(backends, make_event(backends)))

    assert found(backends, event, owner) == []
    for order_id in (order.id, some_id()):
        with pytest.raises(orders.NoSuchOrder):
            sales.find(backends, event.id, order_id, by=owner)
        with pytest.raises(orders.NoSuchOrder):
            sales.resend(backends, event.id, order_id, by=owner)


def test_one_status_can_be_asked_for(backends, event, owner):
    photo = make_photo(backends, event)
    made = {status: make_sale(backends, photo, status=status).id for status in OrderStatus}

    assert {status: found(backends, event, owner, status=status) for status in OrderStatus} == {
        status: [order_id] for status, order_id in made.items()
    }


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("runner@", True),
        ("RUNNER@EXAMPLE", True),
        ("finish_07", True),
        ("FINISH_07.JPG", True),
        ("finish%07", False),
        ("finish-07", False),
        ("f1n", False),
        ("R2026-000042", True),
        ("r2026-42", True),
        ("2026-000042", True),
        ("C2026-000042", False),
        ("R2026-000043", False),
        ("a1b2", True),
        ("A1B2c3d4-", True),
        ("a1b2c3d4-0000-4000-8000-000000000001", True),
        ("b2c3", False),
        ("a1b", False),
        ("  runner  ", True),
        ("\x00runner", True),
        ("r2026-" + "9" * 30, False),
        ("'; DROP TABLE purchase", False),
        ("", True),
    ],
)
def test_an_order_is_found_by_what_names_it(backends, event, owner, text, is_found):
    photo = make_photo(backends, event, filename="Finish_07.jpg")
    order_id = UUID("a1b2c3d4-0000-4000-8000-000000000001")
    order = make_sale(backends, photo, id=order_id)
    with backends.transaction() as session:
        session.add(
            Receipt(
                kind=ReceiptKind.RECEIPT,
                year=2026,
                number=42,
                order_id=order.id,
                amount=12_000,
                tax_amount=0,
                currency="THB",
                seller="",
            )
        )

    assert found(backends, event, owner, text=text) == ([order.id] if is_found else [])


def test_nobody_finds_out_what_else_a_buyer_bought(backends, event, owner):
    other = make_photo(backends, make_event(backends), filename="secret.jpg")
    make_sale(backends, make_photo(backends, event), other)

    assert found(backends, event, owner, text="secret") == []


def test_a_sale_is_opened_with_all_that_became_of_it(backends, event, owner):
    photos = [make_photo(backends, event, filename=f"{name}.jpg") for name in "ab"]
    elsewhere = make_photo(backends, make_event(backends))
    order = make_sale(backends, *photos, elsewhere)
    lines = {line.photo_id: line for line in orders.lines(backends, order)}
    at(backends, 2026, 11, 1)
    with backends.transaction() as session:
        session.exec(select(Download).where(Download.photo_id == photos[0].id)).one().fetched_at = datetime(
            2026, 11, 1, tzinfo=UTC
        )
        session.add(Dispute(id="dp_1", order_id=order.id, amount=36_000, currency="THB"))
    refund(backends, order, {lines[photos[1].id].id: 5_000, lines[elsewhere.id].id: 7_000})
    refund(backends, order, {lines[elsewhere.id].id: 1_000}, reason="Not yours to know")

    details = sales.find(backends, event.id, order.id, by=owner)

    assert {details.photos[line.id].filename: line.id in details.fetched for line in details.sale.lines} == {
        "a.jpg": True,
        "b.jpg": False,
    }
    (given,) = details.refunds
    assert (given.amount, given.reason, given.status) == (5_000, "Blurred", RefundStatus.REQUESTED)
    assert (details.sale.amount, details.sale.refunded_amount) == (24_000, 5_000)
    assert [dispute.id for dispute in details.disputes] == ["dp_1"]


def test_papers_of_what_went_back_elsewhere_are_not_shown(backends, event, owner):
    order = make_sale(backends, make_photo(backends, event), make_photo(backends, make_event(backends)))
    mine, theirs = sorted(orders.lines(backends, order), key=lambda line: line.event_id != event.id)
    with backends.transaction() as session:
        ours = refund_answers.write(backends, session, order, {mine.id: 1})
        others = refund_answers.write(backends, session, order, {theirs.id: 1})
        for number, paper in enumerate((None, ours.id, others.id), start=1):
            kind = ReceiptKind.CREDIT_NOTE if paper else ReceiptKind.RECEIPT
            session.add(
                Receipt(
                    kind=kind,
                    year=2026,
                    number=number,
                    order_id=order.id,
                    refund_id=paper,
                    amount=1,
                    tax_amount=0,
                    currency="THB",
                    seller="",
                )
            )

    assert sales.find(backends, event.id, order.id, by=owner).receipts == ["R2026-000001", "C2026-000002"]


def test_a_pass_has_no_picture_and_is_no_photo(backends, event, owner):
    order = make_sale(backends, make_photo(backends, event))
    with backends.transaction() as session:
        line = session.exec(select(LineItem).where(LineItem.order_id == order.id)).one()
        line.kind, line.photo_id = LineKind.PASS, None

    details = sales.find(backends, event.id, order.id, by=owner)

    assert (details.sale.photo_count, details.sale.has_pass, details.photos) == (0, True, {})


def test_fresh_links_are_mailed_and_those_before_end(backends, event, owner):
    order = make_sale(backends, make_photo(backends, event))
    before = orders.address_token(backends, order)

    sales.resend(backends, event.id, order.id, by=owner)
    sales.resend(backends, event.id, order.id, by=owner)

    with pytest.raises(NotFound):
        orders.by_token(backends, before)
    with backends.reading() as session:
        mails = session.exec(select(OutboxMail).where(OutboxMail.kind == MailKind.ORDER_LINKS)).all()
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "order.resend")).all()
    assert {(mail.subject, mail.to) for mail in mails} == {
        (f"{order.id}:1", order.email),
        (f"{order.id}:2", order.email),
    }
    assert [entry.account_id for entry in entries] == [owner.id, owner.id]


@pytest.mark.parametrize("status", [status for status in OrderStatus if status is not OrderStatus.PAID])
def test_without_files_no_links_are_sent(backends, event, owner, status):
    order = make_sale(backends, make_photo(backends, event), status=status)

    with pytest.raises(Forbidden):
        sales.resend(backends, event.id, order.id, by=owner)

    with backends.reading() as session:
        assert session.exec(select(OutboxMail)).all() == []


def rows(backends, event, by) -> list[dict[str, str]]:
    text = "".join(sales.export(backends, event.id, by=by))
    assert text.startswith(spreadsheets.BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(spreadsheets.BOM))))


def test_every_line_is_a_row_of_the_file(backends, event, owner):
    at(backends, 2026, 10, 17, 9, 30)
    order = make_sale(backends, make_photo(backends, event, filename="ภาพ 1.jpg"), email="a@example.org")

    (row,) = rows(backends, event, owner)

    assert row == {
        "order": str(order.id),
        "status": "paid",
        "ordered_at": "2026-10-17T09:30:00Z",
        "paid_at": "2026-10-17T09:30:00Z",
        "email": "a@example.org",
        "kind": "photo",
        "photo": "ภาพ 1.jpg",
        "size": "full",
        "currency": "THB",
        "price": "120.00",
        "paid": "120.00",
        "tax_included": "0.00",
        "given_back": "0.00",
        "price_minor": "12000",
        "paid_minor": "12000",
        "tax_included_minor": "0",
        "given_back_minor": "0",
        "fetched_at": "",
    }


def test_the_file_has_every_order_of_the_event_and_none_of_others(backends, event, owner, monkeypatch):
    monkeypatch.setattr("core.paging.MOST", 2)
    photo, elsewhere = make_photo(backends, event), make_photo(backends, make_event(backends))
    made = [make_sale(backends, photo, elsewhere).id for _ in range(5)]

    exported = rows(backends, event, owner)

    assert sorted(row["order"] for row in exported) == sorted(map(str, made))
    assert {row["photo"] for row in exported} == {photo.filename}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_name_or_address_is_run_as_a_formula(backends, event, owner, start):
    make_sale(
        backends,
        make_photo(backends, event, filename=f"{start}cmd|' /C calc'!A0.jpg"),
        email=f"{start}a@example.org",
    )

    (row,) = rows(backends, event, owner)

    assert (row["photo"][0], row["email"][0]) == ("'", "'")


def test_our_own_numbers_stay_numbers():
    text = "".join(spreadsheets.rows(["a"], [[Decimal("-1.50"), -5, "-5", None]]))

    assert text.splitlines()[1] == "-1.50,-5,'-5,"


@pytest.mark.parametrize(
    ("amount", "currency", "written"), [(5, "THB", "0.05"), (-12_050, "EUR", "-120.50"), (7, "JPY", "7")]
)
def test_minor_units_are_written_with_all_their_places(amount, currency, written):
    assert f"{spreadsheets.major(amount, currency):f}" == written


def test_taking_the_orders_along_is_written_down_and_refused_at_once(backends, event, owner):
    rows(backends, event, owner)

    with backends.reading() as session:
        assert session.exec(select(AuditEntry).where(AuditEntry.action == "order.export")).one()
    with pytest.raises(NotFound):
        sales.export(backends, event.id, by=make_account(backends))


ACTS = [
    lambda backends, event, _order, by: sales.listing(backends, event.id, ALL, by=by),
    lambda backends, event, order, by: sales.find(backends, event.id, order.id, by=by),
    lambda backends, event, order, by: sales.resend(backends, event.id, order.id, by=by),
    lambda backends, event, _order, by: sales.export(backends, event.id, by=by),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [MemberRole.PHOTOGRAPHER, MemberRole.ANALYST, MemberRole.DOOR])
def test_members_who_do_not_sell_are_refused(backends, event, owner, act, role):
    order = make_sale(backends, make_photo(backends, event))

    with pytest.raises(Forbidden, match="Your role"):
        act(backends, event, order, make_member(backends, event, role))


@pytest.mark.parametrize("act", ACTS)
def test_those_without_a_part_do_not_learn_that_there_is_such_an_event(backends, event, owner, act):
    order = make_sale(backends, make_photo(backends, event))

    for account in (make_account(backends, Role.ORGANISER), owner_of(backends, make_event(backends)), None):
        with pytest.raises(NoSuchEvent):
            act(backends, event, order, account)


@pytest.mark.parametrize("act", ACTS)
def test_admins_sell_everywhere(backends, event, owner, act):
    order = make_sale(backends, make_photo(backends, event))

    act(backends, event, order, make_account(backends, Role.ADMIN))


@pytest.mark.integration
def test_orders_are_found_on_postgresql_by_every_name(platform):
    event = make_event(platform)
    order = make_sale(platform, make_photo(platform, event, filename="Finish_07.jpg"))
    refund(platform, order, {orders.lines(platform, order)[0].id: 1})
    owner = owner_of(platform, event)

    for text in ("RUNNER@", "finish_07", str(order.id)[:8], str(order.id), ""):
        assert found(platform, event, owner, text=text) == [order.id]
    for text in ("2026-000042", "ffff0000ffff0000", "100%"):
        assert found(platform, event, owner, text=text) == []
    assert sales.find(platform, event.id, order.id, by=owner).refunds[0].amount == 1
