"""Mail as files, and mail handed to a real SMTP peer on loopback."""

import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.adapters import folder_mailer
from core.adapters.folder_mailer import FolderMailer
from core.adapters.smtp_mailer import SmtpMailer
from core.errors import InvalidInput, Unavailable
from core.ports import Mail, Mailer
from core.processes import free_port

SENDER = "Encore <photos@example.org>"
MAIL = Mail("ada@example.org", "Grüße from the run", "Hello Ada,\n\nสวัสดี: https://example.org/a?b=c\n")

LETTER = replace(MAIL, html="<p>สวัสดี <b>Ada</b></p>\n", id="8f7c1e7a2b3c4d5e8f7c1e7a2b3c4d5e")


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def words(mail: EmailMessage) -> tuple[str, str, str, str]:
    """Sender, recipient, subject and text, as a mail program shows them."""
    return str(mail["From"]), str(mail["To"]), str(mail["Subject"]), mail.get_content().replace("\r\n", "\n")


# --- files ---------------------------------------------------------------------------------


def test_a_mail_becomes_a_file_that_mail_programs_read(tmp_path):
    FolderMailer(tmp_path / "mail", SENDER).send(MAIL)

    (path,) = (tmp_path / "mail").iterdir()
    mail = parsed(path.read_bytes())
    assert path.suffix == ".eml"
    assert words(mail) == (SENDER, MAIL.to, MAIL.subject, MAIL.text)
    assert abs(mail["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_nobody_else_on_the_machine_reads_the_files(tmp_path):
    FolderMailer(tmp_path / "mail", SENDER).send(MAIL)

    (path,) = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_each_mail_is_a_file_of_its_own(tmp_path):
    mailer = FolderMailer(tmp_path, SENDER)

    for number in range(20):
        mailer.send(Mail("ada@example.org", f"Number {number}", "Hello"))

    subjects = {parsed(path.read_bytes())["Subject"] for path in tmp_path.iterdir()}
    assert subjects == {f"Number {number}" for number in range(20)}


def test_a_folder_that_cannot_be_written_is_a_part_that_is_down(tmp_path):
    (tmp_path / "mail").write_text("in the way")

    with pytest.raises(Unavailable, match="mail folder"):
        FolderMailer(tmp_path / "mail", SENDER).send(MAIL)


@pytest.mark.parametrize("to", ["ก@ไทย.ไทย", "first.last+run@mail.example.co.th", f"{'x' * 242}@example.org"])
def test_whom_an_account_may_belong_to_is_written_to(tmp_path, to):
    FolderMailer(tmp_path, SENDER).send(Mail(to, "Hello", "Hello"))

    (path,) = tmp_path.iterdir()
    assert [one.addr_spec for one in parsed(path.read_bytes())["To"].addresses] == [to]


def test_html_stands_beside_the_text(tmp_path):
    FolderMailer(tmp_path, SENDER).send(LETTER)

    (path,) = tmp_path.iterdir()
    mail = parsed(path.read_bytes())
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Message-ID"] == f"<{LETTER.id}@example.org>"


def test_what_was_written_is_read_again(tmp_path):
    mailer = FolderMailer(tmp_path, SENDER)
    mailer.send(LETTER)
    mailer.send(replace(LETTER, id="0" * 32, subject="Another"))
    mailer.send(MAIL)

    assert mailer.kept(LETTER.id) == LETTER
    assert mailer.kept("f" * 32) is None
    assert mailer.kept("*") is None


def test_a_mail_without_html_is_read_again(tmp_path):
    mailer = FolderMailer(tmp_path, SENDER)
    mailer.send(replace(MAIL, id=LETTER.id))

    assert mailer.kept(LETTER.id) == replace(MAIL, id=LETTER.id)


def test_before_the_first_mail_nothing_is_kept(tmp_path):
    assert FolderMailer(tmp_path / "mail", SENDER).kept(LETTER.id) is None


def test_a_mail_that_cannot_be_read_is_a_part_that_is_down(tmp_path):
    (tmp_path / f"20261120-120000-{LETTER.id}.eml").mkdir()

    with pytest.raises(Unavailable, match="mail folder"):
        FolderMailer(tmp_path, SENDER).kept(LETTER.id)


def test_the_same_mail_handed_over_again_at_once_is_one_file(tmp_path, monkeypatch):
    class Noon(datetime):
        @classmethod
        def now(cls, zone: tzinfo | None = None) -> datetime:
            return datetime(2026, 11, 20, 12, tzinfo=zone)

    monkeypatch.setattr(folder_mailer, "datetime", Noon)
    for _ in range(2):
        FolderMailer(tmp_path, SENDER).send(LETTER)

    assert [path.name for path in tmp_path.iterdir()] == [f"20261120-120000-{LETTER.id}.eml"]


# --- what no mailer sends ------------------------------------------------------------------


@pytest.fixture(params=["folder", "smtp"])
def mailer(request: pytest.FixtureRequest, tmp_path: Path) -> Mailer:
    return FolderMailer(tmp_path / "mail", SENDER) if request.param == "folder" else client(free_port())


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.org\r\nBcc: eve@example.org", "Hello"),
        ("ada@example.org\n", "Hello"),
        ("ada@example.org, eve@example.org", "Hello"),
        ("Ada <ada@example.org>", "Hello"),
        ("everyone:ada@example.org;", "Hello"),
        ("ada", "Hello"),
        ("", "Hello"),
        ("ada@example.org", "Hello\nBcc: eve@example.org"),
        ("ada@example.org", "Hello\rBcc: eve@example.org"),
        ("ada@example.org", "Hello\u2028Bcc: eve@example.org"),
        ("ada@example.org", "Hello\n"),
    ],
)
def test_nothing_is_slipped_into_the_head_of_a_mail(mailer, tmp_path, to, subject):
    with pytest.raises(InvalidInput):
        mailer.send(Mail(to, subject, "Hello"))

    assert not (tmp_path / "mail").exists()


# --- a server ------------------------------------------------------------------------------


@dataclass
class Peer:
    """A mail server, what it was given, and what it answers."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    hangs_up: bool = False  # where it should say goodbye
    port: int = 0
    taken: list[Envelope] = field(default_factory=list)
    signed_in: list[tuple[bytes, bytes]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data.startswith("2"):
            self.taken.append(envelope)
            self.was_encrypted.append(session.ssl is not None)
        return self.data

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hangs_up:
            server.transport.abort()
        return "221 Bye"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, way: str, given: Any) -> Any:
        assert isinstance(given, LoginPassword)
        self.signed_in.append((given.login, given.password))
        return AuthResult(success=given.password == b"the password", handled=False)


@contextmanager
def running(peer: Peer, **options: Any) -> Iterator[Peer]:
    controller = Controller(peer, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    peer.port = controller.port
    try:
        yield peer
    finally:
        controller.stop()


def client(port: int, **changed: Any) -> SmtpMailer:
    options = {"security": "none", "user": None, "password": None, "sender": SENDER}
    return SmtpMailer(**({"host": "127.0.0.1", "port": port} | options | changed))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost and its key, signed by itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, way = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    path.write_bytes(key.private_bytes(form, way, serialization.NoEncryption()) + made.public_bytes(form))
    return path


def with_certificate(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.integration
def test_a_mail_is_handed_over_as_it_was_written():
    with running(Peer()) as peer:
        client(peer.port).send(MAIL)

    (envelope,) = peer.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("photos@example.org", [MAIL.to])
    assert words(parsed(envelope.content)) == (SENDER, MAIL.to, MAIL.subject, MAIL.text)


@pytest.mark.integration
def test_text_and_html_are_handed_over_under_an_id_that_stays_the_same():
    with running(Peer()) as peer:
        for _ in range(2):
            client(peer.port).send(LETTER)

    mails = [parsed(envelope.content) for envelope in peer.taken]
    assert [mail["Message-ID"] for mail in mails] == [f"<{LETTER.id}@example.org>"] * 2
    assert [part.get_content_type() for part in mails[0].iter_parts()] == ["text/plain", "text/html"]
    assert mails[0].get_body(("html",)).get_content().strip() == LETTER.html.strip()


def test_what_a_server_has_is_not_kept_here():
    assert client(free_port()).kept(LETTER.id) is None


@pytest.mark.integration
@pytest.mark.parametrize(
    ("peer", "refusal"),
    [
        (Peer(rcpt="550 No such mailbox"), InvalidInput),
        (Peer(data="554 This is spam"), InvalidInput),
        (Peer(rcpt="451 Come back later"), Unavailable),
        (Peer(data="452 No space left"), Unavailable),
    ],
    ids=lambda value: f"{value.rcpt} {value.data}" if isinstance(value, Peer) else None,
)
def test_a_refusal_for_good_is_told_from_one_for_now(peer, refusal):
    with running(peer), pytest.raises(refusal):
        client(peer.port).send(MAIL)

    assert peer.taken == []


@pytest.mark.integration
def test_a_server_that_hangs_up_without_goodbye_has_the_mail_all_the_same():
    with running(Peer(hangs_up=True)) as peer:
        client(peer.port).send(MAIL)

    assert len(peer.taken) == 1


@pytest.mark.integration
def test_without_a_server_it_may_be_tried_again():
    with pytest.raises(Unavailable):
        client(free_port()).send(MAIL)


@pytest.mark.integration
def test_letters_that_the_server_does_not_know_are_refused_for_good():
    with running(Peer(), enable_SMTPUTF8=False) as peer, pytest.raises(InvalidInput, match="Latin"):
        client(peer.port).send(Mail("ก@ไทย.ไทย", "Hello", "Hello"))


@pytest.mark.integration
def test_letters_of_any_language_reach_a_server_that_knows_them():
    with running(Peer()) as peer:
        client(peer.port).send(Mail("ก@ไทย.ไทย", "สวัสดี", "Hello"))

    assert peer.taken[0].rcpt_tos == ["ก@ไทย.ไทย"]


@pytest.mark.integration
def test_the_line_is_encrypted_when_the_certificate_is_trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with running(Peer(), tls_context=with_certificate(certificate)) as peer:
        client(peer.port, host="localhost", security="starttls").send(MAIL)

    assert peer.was_encrypted == [True]


@pytest.mark.integration
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certificate, security):
    context = with_certificate(certificate)
    options = {"tls_context": context} if security == "starttls" else {"ssl_context": context}

    with running(Peer(), **options) as peer, pytest.raises(Unavailable):
        client(peer.port, host="localhost", security=security).send(MAIL)

    assert peer.taken == []


@pytest.mark.integration
def test_a_server_that_cannot_encrypt_gets_no_mail():
    with running(Peer()) as peer, pytest.raises(Unavailable):
        client(peer.port, security="starttls").send(MAIL)

    assert peer.taken == []


@pytest.mark.integration
@pytest.mark.parametrize(("password", "count"), [("the password", 1), ("a wrong one", 0)])
def test_a_server_that_wants_a_password_is_given_it(certificate, monkeypatch, password, count):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    peer = Peer()
    options = {"authenticator": peer.authenticate, "auth_required": True}

    with running(peer, tls_context=with_certificate(certificate), **options):
        mailer = client(peer.port, host="localhost", security="starttls", user="encore", password=password)
        if count:
            mailer.send(MAIL)
        else:
            with pytest.raises(Unavailable):
                mailer.send(MAIL)

    assert peer.signed_in[0] == (b"encore", password.encode())
    assert len(peer.taken) == count
