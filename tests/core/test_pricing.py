"""Money without I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import offers, pricing
from core.errors import InvalidInput
from core.offers import FULL, PASS, WEB, CouponTerms, Offer
from core.pricing import BillRow, Item, Quote, RowKind

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PLAIN = Offer("Run", 12_000)


def photos(*amounts: int, event_id: int = 1, bundle_key: str | None = None, first: int = 0) -> list[Item]:
    """Photos at list prices."""
    return [
        Item(UUID(int=first + number), event_id, f"IMG_{number}", amount, bundle_key=bundle_key)
        for number, amount in enumerate(amounts)
    ]


def quote(
    items: list[Item], offer: Offer = PLAIN, *, free: int = 0, coupon: CouponTerms | None = None
) -> Quote:
    """What the items cost at one event now."""
    return pricing.quote(items, {1: offer, 2: offer}, coupon, {1: free, 2: free}, NOW)


def amounts(quoted: Quote) -> list[int]:
    """What is to be paid for each item."""
    return [line.amount for line in quoted.lines]


def steps(quoted: Quote) -> list[tuple[RowKind, int]]:
    """The bill in short."""
    return [(row.kind, row.amount) for row in quoted.rows]


# Step by step


def test_photos_cost_their_list_price_and_equal_ones_share_a_row():
    quoted = quote([*photos(12_000, 9_000, 12_000), replace(photos(5_000, first=9)[0], size=WEB)])

    assert amounts(quoted) == [12_000, 9_000, 12_000, 5_000]
    assert quoted.total_amount == 38_000
    assert quoted.rows == (
        BillRow(RowKind.PHOTOS, "Run", 2, 12_000, amount=24_000, size=FULL),
        BillRow(RowKind.PHOTOS, "Run", 1, 9_000, amount=9_000, size=FULL),
        BillRow(RowKind.PHOTOS, "Run", 1, 5_000, amount=5_000, size=WEB),
    )


@pytest.mark.parametrize(
    ("own", "gallery", "web", "full", "small"),
    [
        (None, (None, None), None, 12_000, None),
        (None, (None, None), 5_000, 12_000, 5_000),
        (None, (9_000, None), 5_000, 9_000, 5_000),
        (None, (9_000, 3_000), 5_000, 9_000, 3_000),
        (None, (9_000, 3_000), None, 9_000, 3_000),
        (20_000, (9_000, 3_000), None, 20_000, 3_000),
        (2_000, (9_000, None), 5_000, 2_000, 2_000),
        (0, (9_000, None), 5_000, 0, 0),
        (None, (0, None), 5_000, 0, 0),
    ],
)
def test_a_photos_own_price_goes_before_its_gallerys_and_web_never_costs_more_than_full(
    own, gallery, web, full, small
):
    offer = replace(PLAIN, web_amount=web)

    assert offers.list_amount(offer, FULL, gallery=gallery, own=own) == full
    assert offers.list_amount(offer, WEB, gallery=gallery, own=own) == small


def test_early_birds_pay_less_until_the_time_is_over():
    early = replace(PLAIN, early_percent=10, early_until=LATER)
    late = replace(early, early_until=NOW)

    assert steps(quote(photos(12_005), early)) == [(RowKind.PHOTOS, 12_005), (RowKind.EARLY, -1_201)]
    assert amounts(quote(photos(12_005), late)) == [12_005]
    assert offers.early_amount(early, 12_005, NOW) == 10_804
    assert offers.early_amount(late, 12_005, NOW) == 12_005


def test_the_cheapest_photos_are_the_free_ones_and_what_costs_nothing_is_no_gift():
    quoted = quote(photos(300, 0, 100, 200), free=2)

    assert amounts(quoted) == [300, 0, 0, 0]
    assert [line.is_gift for line in quoted.lines] == [False, False, True, True]
    assert steps(quoted)[-1] == (RowKind.GIFT, -300)


@pytest.mark.parametrize(
    ("count", "percent", "reached"), [(4, 0, 0), (5, 10, 5), (9, 10, 5), (10, 25, 10), (30, 25, 10)]
)
def test_many_photos_reach_a_tier(count, percent, reached):
    quoted = quote(photos(*[100] * count), replace(PLAIN, tiers=((5, 10), (10, 25))))

    assert quoted.total_amount == count * (100 - percent)
    assert [(row.count, row.percent) for row in quoted.rows[1:]] == ([(reached, percent)] if percent else [])


def test_a_free_photo_counts_towards_the_tier():
    assert quote(photos(*[100] * 5), replace(PLAIN, tiers=((5, 10),)), free=1).total_amount == 360


def test_all_that_one_search_found_costs_the_bundles_price_at_most():
    bundle = replace(PLAIN, bundle_amount=250)
    mine, others = photos(100, 100, 100, bundle_key="a"), photos(100, bundle_key="b", first=10)
    chosen = photos(100, first=20)

    quoted = quote([*mine, *others, *chosen], bundle)

    assert steps(quoted) == [(RowKind.PHOTOS, 500), (RowKind.BUNDLE, -50)]
    assert quoted.rows[1] == BillRow(RowKind.BUNDLE, count=3, unit_amount=250, amount=-50)
    assert sorted(amounts(quoted)) == [83, 83, 84, 100, 100]


def test_the_buyer_pays_the_bundle_or_the_tier_whichever_is_less():
    offer = replace(PLAIN, bundle_amount=460, tiers=((5, 10),))
    found = photos(*[100] * 5, bundle_key="a")

    by_tier = quote(found, offer)
    by_bundle = quote(found, replace(offer, bundle_amount=440))

    assert steps(by_tier)[1:] == [(RowKind.TIER, -50)]
    assert steps(by_bundle)[1:] == [(RowKind.BUNDLE, -60)]


def test_a_coupon_is_for_its_event_and_takes_no_more_than_there_is():
    items = [*photos(100, 100), *photos(100, event_id=2, first=9)]

    percent = quote(items, coupon=CouponTerms(1, "RUN", percent=15))
    amount = quote(items, coupon=CouponTerms(1, "RUN", amount=500))

    assert amounts(percent) == [85, 85, 100]
    assert amounts(amount) == [0, 0, 100]
    assert [row for row in amount.rows if row.kind is RowKind.COUPON] == [
        BillRow(RowKind.COUPON, "RUN", amount=-200)
    ]


def test_tax_is_within_the_sum_or_comes_on_top_of_it():
    within = quote(photos(10_700), replace(PLAIN, tax_basis_points=700))
    on_top = quote(photos(10_000), replace(PLAIN, tax_basis_points=700, is_tax_included=False))

    assert (within.total_amount, within.tax_amount) == (10_700, 700)
    assert (on_top.total_amount, on_top.tax_amount) == (10_700, 700)
    assert steps(within)[-1] == (RowKind.TAX_INCLUDED, 700)
    assert steps(on_top)[-1] == (RowKind.TAX_ADDED, 700)


def test_a_pass_costs_its_price_whatever_is_taken_off_photos():
    offer = Offer("Run", 100, early_percent=50, early_until=LATER, tiers=((1, 50),))
    item = Item(None, 1, "Run", 4_000, kind=PASS)

    quoted = quote([item, *photos(100)], offer, free=1)

    assert amounts(quoted) == [4_000, 0]
    assert (quoted.lines[0].photo_id, quoted.lines[0].kind) == (None, PASS)
    assert quote([item], offer, coupon=CouponTerms(1, "RUN", percent=10)).total_amount == 3_600


def test_every_step_comes_in_its_order():
    offer = Offer(
        "Run",
        1_000,
        tiers=((2, 10),),
        bundle_amount=1_000,
        early_percent=10,
        early_until=LATER,
        tax_basis_points=700,
        is_tax_included=False,
    )
    items = [*photos(*[1_000] * 3, bundle_key="a"), *photos(1_000, first=9)]

    quoted = quote(items, offer, free=1, coupon=CouponTerms(1, "RUN10", percent=10))

    assert steps(quoted) == [
        (RowKind.PHOTOS, 4_000),
        (RowKind.EARLY, -400),  # 4 × 900
        (RowKind.GIFT, -900),  # one of those that were found
        (RowKind.BUNDLE, -800),  # 1,800 → 1,000, where the tier would leave 1,620
        (RowKind.TIER, -90),
        (RowKind.COUPON, -181),  # 10 % of 1,810
        (RowKind.TAX_ADDED, 114),  # 7 % of 1,629
    ]
    assert quoted.total_amount == 1_743


def test_one_payment_has_one_currency():
    offers_of = {1: PLAIN, 2: replace(PLAIN, currency="EUR")}

    with pytest.raises(InvalidInput, match="one event first"):
        pricing.quote([*photos(1), *photos(1, event_id=2)], offers_of, None, {}, NOW)


@pytest.mark.parametrize("amount", [-1, 12.5, True])
def test_a_price_is_never_negative_and_never_a_fraction(amount):
    with pytest.raises(ValueError, match="minor units"):
        quote(photos(amount))


def test_nothing_costs_nothing():
    assert quote([]) == Quote((), 0, "THB")


# What holds for every cart


@st.composite
def some_offers(draw: st.DrawFn) -> Offer:
    """Any price list."""
    steps_up = sorted(draw(st.sets(st.integers(2, 12), max_size=3)))
    percents = sorted(draw(st.sets(st.integers(1, 99), min_size=len(steps_up), max_size=len(steps_up))))
    return Offer(
        "Run",
        draw(st.integers(0, 20_000)),
        tiers=tuple(zip(steps_up, percents, strict=True)),
        bundle_amount=draw(st.none() | st.integers(1, 30_000)),
        early_percent=draw(st.integers(0, 100)),
        early_until=draw(st.sampled_from([None, NOW, LATER])),
        tax_basis_points=draw(st.sampled_from([0, 1, 700, 725, 2_000, 10_000])),
        is_tax_included=draw(st.booleans()),
    )


@st.composite
def some_items(draw: st.DrawFn) -> list[Item]:
    """Any cart of two events, in any order."""
    number = draw(st.integers(0, 14))
    keys = draw(st.permutations(range(number)))
    return [
        Item(
            None if draw(st.integers(0, 12)) == 0 else UUID(int=key),
            draw(st.sampled_from([1, 1, 1, 2])),
            "IMG",
            draw(st.integers(0, 20_000) | st.sampled_from([0, 1, 5, 12_000])),
            bundle_key=draw(st.sampled_from([None, "a", "b", "c"])),
        )
        for key in keys
    ]


some_coupons = st.builds(CouponTerms, st.just(1), st.just("X"), percent=st.integers(1, 100)) | st.builds(
    CouponTerms, st.just(1), st.just("X"), amount=st.integers(1, 50_000)
)
carts = (some_items(), some_offers(), st.integers(0, 4), st.none() | some_coupons)


def as_sold(items: list[Item]) -> list[Item]:
    """The items with a kind that fits their key: at most one pass of an event is sold."""
    seen: set[int] = set()
    sold = []
    for item in items:
        if item.key is not None:
            sold.append(item)
        elif item.event_id not in seen:
            seen.add(item.event_id)
            sold.append(replace(item, kind=PASS, bundle_key=None))
    return sold


@given(*carts)
def test_the_total_is_the_sum_of_the_lines_and_of_the_bill_to_the_last_satang(items, offer, free, coupon):
    quoted = quote(as_sold(items), offer, free=free, coupon=coupon)

    said = sum(row.amount for row in quoted.rows if row.kind is not RowKind.TAX_INCLUDED)
    assert quoted.total_amount == sum(amounts(quoted)) == said
    assert quoted.tax_amount == sum(line.tax_amount for line in quoted.lines)
    assert [line.list_amount for line in quoted.lines] == [item.list_amount for item in as_sold(items)]


@given(*carts)
def test_no_line_is_negative_and_none_costs_more_than_its_list_price_and_tax(items, offer, free, coupon):
    for line in quote(as_sold(items), offer, free=free, coupon=coupon).lines:
        most = line.list_amount if offer.is_tax_included else line.list_amount + line.tax_amount
        assert 0 <= line.tax_amount <= line.amount <= most
        assert not line.is_gift or line.amount == 0


@given(*carts)
def test_nobody_pays_more_with_a_bundle_a_tier_or_a_coupon_than_without(items, offer, free, coupon):
    sold = as_sold(items)
    cost = quote(sold, offer, free=free, coupon=coupon).total_amount

    assert cost <= quote(sold, replace(offer, bundle_amount=None), free=free, coupon=coupon).total_amount
    assert cost <= quote(sold, replace(offer, tiers=()), free=free, coupon=coupon).total_amount
    assert cost <= quote(sold, offer, free=free).total_amount


@given(*carts, st.randoms(use_true_random=False))
def test_the_order_of_the_cart_does_not_matter(items, offer, free, coupon, random):
    sold = as_sold(items)
    shuffled = random.sample(sold, len(sold))

    one, other = (quote(order, offer, free=free, coupon=coupon) for order in (sold, shuffled))

    assert sorted(map(repr, one.lines)) == sorted(map(repr, other.lines))
    assert one.total_amount == other.total_amount


@given(*carts)
def test_tax_is_within_one_unit_of_exact_on_every_line_and_half_a_unit_on_the_whole(
    items, offer, free, coupon
):
    quoted = quote(as_sold(items), offer, free=free, coupon=coupon)

    rate = Fraction(offer.tax_basis_points, 10_000)
    for event_id in (1, 2):
        lines = [line for line in quoted.lines if line.event_id == event_id]
        tax, net = (
            sum(line.tax_amount for line in lines),
            sum(line.amount - line.tax_amount for line in lines),
        )
        exact = (net + tax) * rate / (1 + rate) if offer.is_tax_included else net * rate
        assert abs(tax - exact) <= Fraction(1, 2)
        for line in lines:
            base = line.amount if offer.is_tax_included else line.amount - line.tax_amount
            weight = sum(x.amount if offer.is_tax_included else x.amount - x.tax_amount for x in lines)
            assert weight == 0 or abs(line.tax_amount - Fraction(tax * base, weight)) < 1


@given(*carts)
def test_a_guest_with_a_free_photo_left_pays_no_more(items, offer, free, coupon):
    sold = as_sold(items)

    assert (
        quote(sold, offer, free=free + 1, coupon=coupon).total_amount
        <= quote(sold, offer, free=free, coupon=coupon).total_amount
    )


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (12_000, "THB", "฿120"),
        (12_050, "THB", "฿120.50"),
        (5, "THB", "฿0.05"),
        (0, "THB", "฿0"),
        (123_456_700, "USD", "$1,234,567"),
        (-1_250, "EUR", "-€12.50"),
        (120, "JPY", "¥120"),
        (1_200, "CHF", "CHF\N{NO-BREAK SPACE}12"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount, currency, text):
    assert pricing.format_amount(amount, currency) == text
