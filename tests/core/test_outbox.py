"""The outbox: each thing told once, in the transaction of what it tells, until it is sent or given up."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from core import audit, correspondence, i18n, jobs, outbox, troubles
from core.backends import Backends
from core.errors import Forbidden, SignInNeeded
from core.letters import Letter
from core.outbox import NoSuchMail
from core.paging import LONG, Asked
from models.account import Role
from models.event import Event
from models.job import Job, JobKind, JobStatus
from models.mail import MailKind, MailStatus, OutboxMail
from tests.core.adapters.test_mailers import Peer, client, running
from tests.makers import make_account, make_event, some_id
from tests.sign_in import Clock

TO = "ada@example.org"
KIND = MailKind.RECEIPT


@pytest.fixture
def clock(backends) -> Clock:
    backends.now = Clock()
    return backends.now


@pytest.fixture
def admin(backends):
    return make_account(backends, Role.ADMIN)


@pytest.fixture
def written(monkeypatch) -> list[str]:
    """Every mail says hello; the languages in which it was said."""
    languages: list[str] = []

    def write(_: Backends, mail: OutboxMail) -> Letter:
        languages.append(i18n.language())
        return Letter(f"About {mail.subject}", "Hello,", ("One sentence.",))

    monkeypatch.setitem(correspondence.WRITERS, KIND, write)
    return languages


def put(backends: Backends, subject: str = "1", **data: outbox.Value) -> OutboxMail:
    """A mail that waits, due at once."""
    with backends.transaction() as session:
        outbox.put(session, KIND, subject, TO, **data)
    (mail,) = [mail for mail in all_of(backends, OutboxMail) if mail.subject == subject]
    with backends.transaction() as session:
        for job in session.exec(select(Job).where(Job.subject == str(mail.id))):
            job.run_at = backends.now()
    return mail


def all_of(backends: Backends, table: type) -> list:
    with backends.reading() as session:
        return list(session.exec(select(table).order_by(table.id)))


def found(backends: Backends, mail: OutboxMail) -> OutboxMail:
    with backends.reading() as session:
        return session.get_one(OutboxMail, mail.id)


def standing(backends: Backends) -> tuple[MailStatus, str | None]:
    (mail,) = all_of(backends, OutboxMail)
    return mail.status, mail.last_error


# --- putting -------------------------------------------------------------------------------


def test_what_is_put_is_sent_once_with_its_words(backends, work, clock, written):
    mail = put(backends, "R2026-000001", order_id="x")

    assert work() == 1

    (sent,) = backends.mailer.sent
    assert (sent.to, sent.subject, sent.id) == (TO, "About R2026-000001", str(mail.id))
    assert sent.text.startswith("Hello,\n\nOne sentence.")
    assert "<p" in sent.html
    row = found(backends, mail)
    assert (row.status, row.sent_at, row.last_error) == (MailStatus.SENT, clock.time, None)
    assert row.data == {"order_id": "x"}


def test_the_same_thing_is_told_once_however_often_it_is_put(backends, work, written):
    for _ in range(3):
        with backends.transaction() as session:
            outbox.put(session, KIND, 7, TO)
            outbox.put(session, KIND, "7", "other@example.org")

    work()

    assert [mail.to for mail in backends.mailer.sent] == [TO]
    assert len(all_of(backends, OutboxMail)) == len(all_of(backends, Job)) == 1


def test_other_kinds_and_subjects_are_other_mails(backends):
    with backends.transaction() as session:
        for kind, subject in ((KIND, 1), (KIND, 2), (MailKind.REFUND, 1)):
            outbox.put(session, kind, subject, TO)

    assert len(all_of(backends, OutboxMail)) == 3


def test_a_transaction_that_is_rolled_back_tells_nothing(backends, work):
    def tell_and_fail() -> None:
        with backends.transaction() as session:
            outbox.put(session, KIND, 1, TO)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tell_and_fail()

    assert work() == 0
    assert all_of(backends, OutboxMail) == []


def test_a_second_put_leaves_the_rest_of_its_transaction_alone(backends):
    put(backends)
    event = make_event(backends)

    with backends.transaction() as session:
        session.get_one(Event, event.id).name = "Renamed"
        outbox.put(session, KIND, "1", TO)
        session.get_one(Event, event.id).place = "Elsewhere"

    with backends.reading() as session:
        after = session.get_one(Event, event.id)
    assert (after.name, after.place) == ("Renamed", "Elsewhere")


def test_of_many_who_tell_the_same_at_once_one_does(backends, work, written):
    def tell(_: int) -> None:
        with backends.transaction() as session:
            outbox.put(session, KIND, 1, TO)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tell, range(8)))
    work()

    assert len(backends.mailer.sent) == 1


@pytest.mark.integration
def test_of_many_who_tell_the_same_at_once_one_does_on_postgresql(platform):
    def tell(_: int) -> None:
        with platform.transaction() as session:
            outbox.put(session, KIND, 1, TO)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tell, range(8)))

    assert len(all_of(platform, OutboxMail)) == len(all_of(platform, Job)) == 1


def test_a_mail_is_written_in_the_language_it_was_put_in(backends, work, written, monkeypatch):
    monkeypatch.setattr(i18n, "LANGUAGES", ("en", "th"))
    put(backends, "english")
    i18n.use("th")
    put(backends, "thai")
    i18n.use("en")

    work()

    assert written == ["en", "th"]
    assert i18n.language() == "en"


def test_a_mail_with_nothing_left_to_say_is_dropped(backends, work, monkeypatch):
    monkeypatch.setitem(correspondence.WRITERS, KIND, lambda *_: None)
    put(backends)

    work()

    assert standing(backends) == (MailStatus.DROPPED, None)
    assert backends.mailer.sent == []


# --- sending -------------------------------------------------------------------------------


def test_a_mail_refused_for_good_is_given_up_where_admins_see_it(backends, work, written, admin):
    backends.mailer.refused.add(TO)
    put(backends)

    work()

    assert standing(backends) == (MailStatus.FAILED, "The mail server refuses this address.")
    (trouble,) = troubles.listing(backends, LONG, by=admin).items
    assert (trouble.kind, trouble.status) == (JobKind.SEND_MAIL, JobStatus.FAILED)


def test_while_the_server_is_away_a_mail_waits_and_says_why(backends, work, clock, written):
    backends.mailer.is_down = True
    put(backends)
    work()
    assert standing(backends) == (MailStatus.WAITING, "The mail server does not answer. Try again later.")
    backends.mailer.is_down = False

    clock.pass_by(hours=6)
    work()

    assert standing(backends) == (MailStatus.SENT, None)


def test_after_the_last_attempt_a_mail_no_longer_waits(backends, work, clock, written):
    backends.mailer.is_down = True
    put(backends)

    while work():
        clock.pass_by(hours=6)

    assert standing(backends) == (MailStatus.FAILED, "The mail server does not answer. Try again later.")


def test_a_mail_that_a_bug_keeps_from_being_written_is_given_up_visibly(backends, work, clock, monkeypatch):
    monkeypatch.setitem(correspondence.WRITERS, KIND, lambda *_: 1 // 0)
    put(backends)

    while work():
        clock.pass_by(hours=6)

    assert standing(backends) == (MailStatus.FAILED, correspondence.UNEXPLAINED)


def test_a_worker_that_died_before_it_wrote_that_down_sends_the_same_message_again(backends, written):
    mail = put(backends)
    correspondence.send(backends, str(mail.id))
    with backends.transaction() as session:
        session.get_one(OutboxMail, mail.id).status = MailStatus.WAITING  # as it was before

    correspondence.send(backends, str(mail.id))

    assert [sent.id for sent in backends.mailer.sent] == [str(mail.id)] * 2


@pytest.mark.parametrize("status", [MailStatus.SENT, MailStatus.DROPPED])
def test_what_is_over_is_not_sent_by_a_job_that_comes_late(backends, written, status):
    mail = put(backends)
    with backends.transaction() as session:
        session.get_one(OutboxMail, mail.id).status = status

    correspondence.send(backends, str(mail.id))

    assert backends.mailer.sent == []


def test_a_mail_that_is_gone_is_no_error(backends):
    assert correspondence.send(backends, str(some_id())) is None


def test_every_kind_of_mail_has_its_words():
    assert set(correspondence.WRITERS) == set(MailKind)


# --- a real server -------------------------------------------------------------------------


@pytest.mark.integration
def test_a_server_that_takes_a_mail_has_it(backends, work, written):
    mail = put(backends)
    with running(Peer()) as peer:
        backends.mailer = client(peer.port)
        work()

    (envelope,) = peer.taken
    assert f"<{mail.id}@example.org>".encode() in envelope.content
    assert standing(backends) == (MailStatus.SENT, None)


@pytest.mark.integration
def test_a_server_that_says_later_is_asked_again_later(backends, work, clock, written):
    put(backends)
    with running(Peer(data="451 Come back later")) as peer:
        backends.mailer = client(peer.port)
        work()
        assert standing(backends) == (
            MailStatus.WAITING,
            "The mail server asks to try again later (451).",
        )
        peer.data = "250 OK"

        clock.pass_by(hours=6)
        work()

    assert len(peer.taken) == 1
    assert standing(backends) == (MailStatus.SENT, None)


@pytest.mark.integration
def test_a_server_that_says_never_ends_it_until_an_admin_tries_again(backends, work, clock, written, admin):
    mail = put(backends)
    with running(Peer(rcpt="550 No such mailbox")) as peer:
        backends.mailer = client(peer.port)
        work()
        assert standing(backends) == (MailStatus.FAILED, "The mail server refuses this mail (550).")
        clock.pass_by(days=7)
        assert work() == 0
        peer.rcpt = "250 OK"

        outbox.retry(backends, mail.id, by=admin)
        clock.pass_by(hours=1)
        work()

    assert len(peer.taken) == 1
    assert standing(backends) == (MailStatus.SENT, None)


# --- what admins see and do ----------------------------------------------------------------


def test_a_mail_that_was_given_up_is_sent_by_an_admin_and_is_no_trouble_any_more(
    backends, work, written, admin
):
    backends.mailer.refused.add(TO)
    mail = put(backends)
    work()
    backends.mailer.refused.clear()

    outbox.retry(backends, mail.id, by=admin)
    work()

    assert standing(backends) == (MailStatus.SENT, None)
    assert troubles.listing(backends, LONG, by=admin).items == []
    (entry,) = audit.listing(backends, LONG, by=admin, action="mail.retry").items
    assert (entry.subject, entry.account_id) == (str(mail.id), admin.id)


def test_a_mail_that_waits_for_its_next_try_is_sent_at_once(backends, work, clock, written, admin):
    backends.mailer.is_down = True
    mail = put(backends)
    work()
    backends.mailer.is_down = False

    outbox.retry(backends, mail.id, by=admin)

    assert work() == 1
    assert standing(backends) == (MailStatus.SENT, None)


def test_a_mail_whose_job_was_forgotten_is_given_another(backends, work, written, admin):
    mail = put(backends)
    with backends.transaction() as session:
        session.get_one(OutboxMail, mail.id).status = MailStatus.FAILED
        for job in session.exec(select(Job)):
            session.delete(job)

    outbox.retry(backends, mail.id, by=admin)
    work()

    assert len(backends.mailer.sent) == 1


@pytest.mark.parametrize("status", [MailStatus.SENT, MailStatus.DROPPED])
def test_what_is_over_stays_over(backends, work, written, admin, status):
    mail = put(backends)
    work()
    with backends.transaction() as session:
        session.get_one(OutboxMail, mail.id).status = status

    outbox.retry(backends, mail.id, by=admin)

    assert work() == 0
    assert found(backends, mail).status is status


def test_a_job_that_an_admin_retries_sends_its_mail_as_well(backends, work, written, admin):
    backends.mailer.refused.add(TO)
    put(backends)
    work()
    backends.mailer.refused.clear()
    (job,) = all_of(backends, Job)

    jobs.retry(backends, job.id, by=admin)
    work()

    assert standing(backends) == (MailStatus.SENT, None)


def test_the_newest_mail_is_listed_first_page_by_page_and_by_status(backends, work, written, admin):
    mails = [put(backends, str(number)) for number in range(3)]
    work()
    put(backends, "waits")

    first = outbox.listing(backends, Asked(limit=2), by=admin)
    rest = outbox.listing(backends, Asked(limit=2, cursor=first.next_cursor), by=admin)
    sent = outbox.listing(backends, LONG, status=MailStatus.SENT, by=admin)

    assert [mail.subject for mail in (*first.items, *rest.items)] == ["waits", "2", "1", "0"]
    assert rest.next_cursor is None
    assert [mail.id for mail in sent.items] == [mail.id for mail in reversed(mails)]
    assert outbox.counts(backends, by=admin) == {MailStatus.SENT: 3, MailStatus.WAITING: 1}


def test_an_admin_reads_a_mail_that_is_kept_here_and_that_is_written_down(backends, work, written, admin):
    mail = put(backends)
    work()

    assert outbox.kept(backends, mail.id, by=admin) == backends.mailer.sent[0]
    (entry,) = audit.listing(backends, LONG, by=admin, action="mail.read").items
    assert (entry.subject, entry.account_id) == (str(mail.id), admin.id)


def test_a_mail_that_left_is_not_read_here_and_nothing_is_written_down(backends, admin):
    assert outbox.kept(backends, some_id(), by=admin) is None
    assert audit.listing(backends, LONG, by=admin, action="mail.read").items == []


def test_a_mail_that_nobody_put_is_not_there(backends, admin):
    with pytest.raises(NoSuchMail):
        outbox.retry(backends, some_id(), by=admin)


@pytest.mark.parametrize("role", [None, Role.GUEST, Role.ORGANISER])
def test_mails_are_for_admins(backends, role):
    account = make_account(backends, role) if role else None
    mail = put(backends)

    for attempt in (
        lambda: outbox.listing(backends, LONG, by=account),
        lambda: outbox.counts(backends, by=account),
        lambda: outbox.retry(backends, mail.id, by=account),
        lambda: outbox.kept(backends, mail.id, by=account),
    ):
        with pytest.raises(SignInNeeded if role is None else Forbidden):
            attempt()
