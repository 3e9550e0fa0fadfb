"""Mail as files, for one machine without a mail server: open them with any mail program."""

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal
from uuid import uuid4

from core.errors import InvalidInput, Unavailable
from core.ports import Mail


def message(mail: Mail, sender: str) -> EmailMessage:
    """Return a mail as it travels. Raises InvalidInput for what is not one line, or not one address."""
    if not (mail.to + mail.subject).isprintable():
        raise InvalidInput("The address and the subject of a mail are one line each.")
    made = EmailMessage(policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, mail.to, mail.subject
    if [recipient.addr_spec for recipient in made["To"].addresses] != [mail.to] or "@" not in mail.to:
        raise InvalidInput("A mail goes to one address such as name@example.org.")
    made["Date"] = datetime.now(UTC)
    made["Message-ID"] = f"<{mail.id or uuid4().hex}@{made['From'].addresses[0].domain}>"
    made["Auto-Submitted"] = "auto-generated"  # nobody's "I am away" answers it
    made.set_content(mail.text)
    if mail.html:
        made.add_alternative(mail.html, subtype="html")
    return made


class FolderMailer:
    """Writes each mail into a folder, one file each, that only this account reads: it may hold a code."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def send(self, mail: Mail) -> None:
        """Write the mail. Raises InvalidInput as `message` does, Unavailable when that does not work."""
        content = bytes(message(mail, self._sender))
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{mail.id or uuid4().hex}.eml"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".mail-") as file:  # mode 600
                file.write(content)
                file.flush()
                with suppress(FileExistsError):  # the same mail, handed over again
                    os.link(file.name, self._folder / name)  # whole, or not at all
        except OSError as error:
            raise Unavailable("The mail folder cannot be written.") from error

    def kept(self, mail_id: str) -> Mail | None:
        """Return the mail of that id as it was written last. Raises Unavailable when it cannot be read."""
        try:
            paths = [path for path in self._folder.glob("*.eml") if path.stem.endswith(f"-{mail_id}")]
            content = max(paths).read_bytes() if paths else None
        except OSError as error:
            raise Unavailable("The mail folder cannot be read.") from error
        return None if content is None else _mail(mail_id, content)


def _mail(mail_id: str, content: bytes) -> Mail:
    read = message_from_bytes(content, policy=policy.default)
    text, html = (_part(read, kind) for kind in ("plain", "html"))
    return Mail(str(read["To"]), str(read["Subject"]), text, html, mail_id)


def _part(read: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = read.get_body((kind,))
    return "" if part is None else part.get_content().replace("\r\n", "\n")
