"""Mail by SMTP."""

import smtplib
import ssl
from contextlib import closing, suppress
from datetime import timedelta
from email.message import EmailMessage

from core.adapters.folder_mailer import message
from core.errors import InvalidInput, Unavailable
from core.ports import Mail

PATIENCE = timedelta(seconds=20)  # for each answer of the server


class SmtpMailer:
    """Hands each mail to a server, in a connection of its own."""

    def __init__(
        self, *, host: str, port: int, security: str, user: str | None, password: str | None, sender: str
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._sender = user, password, sender

    def send(self, mail: Mail) -> None:
        """Hand a mail over. Raises InvalidInput when it is refused for good, else Unavailable."""
        made = message(mail, self._sender)
        try:
            with closing(self._connected()) as server:
                self._open(server)
                _hand_over(server, made)
                with suppress(smtplib.SMTPException, OSError):  # it has the mail, whatever follows
                    server.quit()
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("The mail server does not answer as it should. Try again later.") from error

    def kept(self, _: str) -> Mail | None:
        """Return None: what was handed over is with the server."""
        return None

    def _connected(self) -> smtplib.SMTP:
        patience = PATIENCE.total_seconds()
        if self._security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=patience, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=patience)

    def _open(self, server: smtplib.SMTP) -> None:
        """Encrypt and sign in as it was set. What fails here is no fault of the mail."""
        if self._security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if self._user is not None:
            server.login(self._user, self._password or "")


def _hand_over(server: smtplib.SMTP, made: EmailMessage) -> None:
    try:
        server.send_message(made)
    except smtplib.SMTPNotSupportedError as refusal:
        raise InvalidInput("The mail server takes no address of other than Latin letters.") from refusal
    except smtplib.SMTPRecipientsRefused as refusal:
        ((code, _),) = refusal.recipients.values()
        raise _refused(code) from refusal
    except smtplib.SMTPResponseException as refusal:
        raise _refused(refusal.smtp_code) from refusal


def _refused(code: int) -> InvalidInput | Unavailable:
    if 500 <= code < 600:
        return InvalidInput("The mail server refuses this mail ({code}).", code=code)
    return Unavailable("The mail server asks to try again later ({code}).", code=code)
