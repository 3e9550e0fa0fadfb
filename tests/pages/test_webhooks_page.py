"""The page of webhooks: added, tried, changed, removed, and what they were told."""

import pytest
from streamlit.testing.v1 import AppTest

from core import notices, webhooks
from models.event import MemberRole
from models.notice import NoticeKind
from models.webhook import DeliveryStatus
from pages.parts import deliveries
from tests.browser import press, refusal
from tests.makers import make_account, make_event, make_member, owner_of

PAGE = "organiser/webhooks.py"
URL = "https://hooks.example/encore"


@pytest.fixture
def event(backends):
    return make_event(backends, name="Hill run")


@pytest.fixture
def owner(backends, browser, event):
    account = owner_of(backends, event)
    browser.sign_in(backends, account)
    return account


@pytest.fixture
def endpoint(backends, event, owner):
    return webhooks.create(backends, event.id, URL, [], by=owner)


def text(page: AppTest) -> str:
    """All that the page says."""
    assert not page.exception
    blocks = (block.proto.body for block in page.get("html"))
    spoken = (element.value for element in (*page.markdown, *page.caption, *page.code))
    return "\n".join((*blocks, *spoken)).replace("\\", "")


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def told(backends, endpoint, by) -> list:
    return list(webhooks.deliveries(backends, endpoint.id, by=by).items)


def tell(backends, event, count: int = 1) -> None:
    for number in range(count):
        with backends.transaction() as session:
            notices.note(session, NoticeKind.PHOTO_REVIEWED, event.id, photo=f"number {number}")


def test_without_a_webhook_the_page_says_what_to_do(browser, owner):
    page = browser.open(PAGE)

    assert "No webhook yet" in text(page)
    assert labels(page) == ["Add webhook"]


def test_a_webhook_is_added_with_what_it_is_told_of(backends, browser, event, owner):
    page = browser.open(PAGE)
    page.text_input[0].set_value(URL)
    page.pills[0].set_value([NoticeKind.ORDER_PAID])

    page = press(page, "Add webhook")

    (made,) = webhooks.of_event(backends, event.id, by=owner)
    assert (made.url, made.kinds) == (URL, ["order.paid"])
    said = text(page)
    assert URL in said
    assert "Told of: order.paid" in said
    assert webhooks.secret(backends, made) in said
    assert "Nothing was told yet" in said
    assert page.text_input[0].value == ""


def test_an_address_that_is_refused_stays_to_be_mended(backends, browser, event, owner):
    page = browser.open(PAGE)
    page.text_input[0].set_value("http://hooks.example")

    page = press(page, "Add webhook")

    assert "begins with https" in refusal(page)
    assert page.text_input[0].value == "http://hooks.example"
    assert webhooks.of_event(backends, event.id, by=owner) == []


def test_a_test_message_is_sent_and_listed_with_its_answer(backends, browser, event, owner, endpoint, work):
    page = press(browser.open(PAGE), "Send a test")
    waiting = text(page)
    work()

    delivered = text(page.run())

    assert ">Waiting<" in waiting
    assert ">Delivered<" in delivered
    assert "1 attempt · 200 OK" in delivered
    assert '"kind": "ping"' in delivered


def test_what_nobody_took_is_sent_again(backends, browser, event, owner, endpoint, work):
    backends.hooks.status = 410
    tell(backends, event)
    work()
    off = browser.open(PAGE)
    webhooks.edit(backends, endpoint.id, is_active=True, by=owner)
    backends.hooks.status = 200

    before = text(browser.open(PAGE))
    after = text(press(browser.open(PAGE), "Send again"))
    work()

    assert (">Off<" in text(off), "Send again" in labels(off)) == (True, False)
    assert ">Gave up<" in before
    assert "410 Gone. The webhook is switched off." in before
    assert ">Trying again<" in after
    assert told(backends, endpoint, owner)[0].status is DeliveryStatus.DELIVERED


def test_what_waits_for_its_next_attempt_is_sent_now(backends, browser, event, owner, endpoint, work):
    backends.hooks.status = 503
    tell(backends, event)
    work()
    backends.hooks.status = 200

    page = press(browser.open(PAGE), "Send now")
    work()

    assert not page.exception
    assert told(backends, endpoint, owner)[0].status is DeliveryStatus.DELIVERED


def test_a_webhook_is_changed_and_switched_off(backends, browser, event, owner, endpoint):
    page = browser.open(PAGE)
    page.text_input(key=f"url_{endpoint.id}").set_value(f"{URL}/2")
    page.pills(key=f"kinds_{endpoint.id}").set_value([NoticeKind.SEARCH_MADE])
    page.toggle[0].set_value(False)

    page = press(page, "Save")

    changed = webhooks.get(backends, endpoint.id, by=owner)
    assert (changed.url, changed.kinds, changed.is_active) == (f"{URL}/2", ["search.made"], False)
    assert ">Off<" in text(page)
    (test,) = [button for button in page.button if button.label == "Send a test"]
    assert test.disabled


def test_a_new_secret_is_shown_at_once(backends, browser, event, owner, endpoint):
    old = webhooks.secret(backends, endpoint)

    said = text(press(browser.open(PAGE), "Make a new secret"))

    assert old not in said
    assert webhooks.secret(backends, webhooks.get(backends, endpoint.id, by=owner)) in said


def test_a_webhook_is_removed(backends, browser, event, owner, endpoint):
    said = text(press(browser.open(PAGE), "Remove this webhook"))

    assert webhooks.of_event(backends, event.id, by=owner) == []
    assert "No webhook yet" in said


def test_messages_are_shown_page_by_page(backends, browser, event, owner, endpoint):
    tell(backends, event, deliveries.PER_PAGE + 1)
    page = browser.open(PAGE)
    newest = text(page)

    page = press(page, "Older")
    oldest = text(page)
    back = text(press(page, "Newest"))

    assert ('"number 0"' in newest, '"number 1"' in newest) == (False, True)
    assert ('"number 0"' in oldest, '"number 1"' in oldest) == (True, False)
    assert '"number 1"' in back


def test_an_address_with_a_made_up_page_shows_the_newest_messages(backends, browser, event, owner, endpoint):
    tell(backends, event)

    page = browser.open(PAGE, after="guessed", hook="99")

    assert '"number 0"' in text(page)
    assert "after" not in page.query_params


def test_each_webhooks_messages_are_apart(backends, browser, event, owner, endpoint):
    tell(backends, event)
    other = webhooks.create(backends, event.id, f"{URL}/other", [], by=owner)

    shown = {one.id: '"number 0"' in text(browser.open(PAGE, hook=str(one.id))) for one in (endpoint, other)}
    page = browser.open(PAGE)
    chosen = page.selectbox[1].select(str(endpoint.id)).run()

    assert shown == {endpoint.id: True, other.id: False}
    assert '"number 0"' not in text(browser.open(PAGE))
    assert '"number 0"' in text(chosen)
    assert chosen.query_params["hook"] == str(endpoint.id)


def test_the_event_leads_to_its_webhooks_for_those_who_may(backends, browser, event, owner):
    link = f'href="/hooks?id={event.id}"'
    of_owner = text(browser.open("organiser/event.py", id=str(event.id)))
    browser.sign_in(backends, make_member(backends, event, MemberRole.PHOTOGRAPHER))
    of_photographer = text(browser.open("organiser/event.py", id=str(event.id)))

    assert (link in of_owner, link in of_photographer) == (True, False)


def test_others_see_nothing_of_it(backends, browser, event, owner, endpoint):
    browser.sign_in(backends, make_account(backends))

    page = browser.open(PAGE, id=str(event.id))

    assert URL not in text(page)
    assert "No event to work on" in text(page)
