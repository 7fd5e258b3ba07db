"""E-mail, by an SMTP server: `email_send_message(credentials, "Done", "<p>All is well</p>", "ada@example.org")`."""

import mimetypes
import os
import smtplib
import ssl
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from enum import Enum, StrEnum
from pathlib import Path

from pydantic import SecretStr, field_validator

from perdure._blocks.block import Block
from perdure._execution.tasks import task
from perdure._model.errors import IntegrationError
from perdure._platform.threads import in_thread

__all__ = ["EmailServerCredentials", "SMTPServer", "SMTPType", "email_send_message"]

_SECONDS = 30.0  # until a server that does not answer counts as away

AnyPath = str | os.PathLike[str]


class SMTPType(Enum):
    """How a connection is protected, with the port that is usual for it."""

    SSL = 465
    STARTTLS = 587
    INSECURE = 25


class SMTPServer(StrEnum):
    """Servers of well-known services."""

    AOL = "smtp.aol.com"
    ATT = "smtp.mail.att.net"
    COMCAST = "smtp.comcast.net"
    ICLOUD = "smtp.mail.me.com"
    GMAIL = "smtp.gmail.com"
    OUTLOOK = "smtp-mail.outlook.com"
    YAHOO = "smtp.mail.yahoo.com"


class EmailServerCredentials(Block):
    """A server that sends mail, and who is let in there; Gmail's by default."""

    block_type = "email-server-credentials"

    username: str | None = None
    password: SecretStr | None = None
    smtp_server: str = SMTPServer.GMAIL.value  # a host, or a name of `SMTPServer`
    smtp_type: SMTPType = SMTPType.SSL
    smtp_port: int | None = None  # by default the one of `smtp_type`

    @field_validator("smtp_server", mode="before")
    @classmethod
    def _host(cls, value: object) -> object:
        text = str(value)
        return SMTPServer[text.upper()].value if text.upper() in SMTPServer.__members__ else text

    @field_validator("smtp_type", mode="before")
    @classmethod
    def _kind(cls, value: object) -> object:
        return SMTPType.__members__.get(value.upper(), value) if isinstance(value, str) else value

    def get_server(self) -> smtplib.SMTP:
        """A connection that is logged in, for a `with` block.

        Raises:
            IntegrationError: the server is not reached, or refuses.
        """
        port = self.smtp_port or self.smtp_type.value
        try:
            return self._logged_in(port)
        except (OSError, smtplib.SMTPException) as error:
            raise IntegrationError(
                f"The mail server {self.smtp_server}:{port} refuses or is not reached: {_said(error)}."
                " Correct smtp_server, smtp_type, smtp_port, or username and password."
            ) from None

    def _logged_in(self, port: int) -> smtplib.SMTP:
        if self.smtp_type is SMTPType.SSL:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.smtp_server, port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.smtp_server, port, timeout=_SECONDS)
        try:
            if self.smtp_type is SMTPType.STARTTLS:
                server.starttls(context=ssl.create_default_context())
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


@task
async def email_send_message(
    email_server_credentials: EmailServerCredentials,
    subject: str,
    msg: str,
    email_to: str | Sequence[str] | None = None,
    email_from: str | None = None,
    email_to_cc: str | Sequence[str] | None = None,
    email_to_bcc: str | Sequence[str] | None = None,
    attachments: Sequence[AnyPath] | None = None,
    images: Sequence[AnyPath] | None = None,
    msg_plain: str | None = None,
) -> EmailMessage:
    """Send a message; what was sent.

    `msg` is HTML, `msg_plain` the same as plain text. Addresses are a list, or text with commas. `images` are shown
    where the HTML names them: `<img src="cid:chart.png">`.

    Raises:
        IntegrationError: the server is not reached, or refuses.
        OSError: a file cannot be read.
        ValueError: nobody is to get it, or an address or the subject has a line break.
    """
    message = _message(email_server_credentials.username, subject, msg, email_from, msg_plain, images or ())
    for header, given in (("To", email_to), ("Cc", email_to_cc), ("Bcc", email_to_bcc)):
        if addresses := _addresses(given):
            message[header] = ", ".join(addresses)
    if not any(message[header] for header in ("To", "Cc", "Bcc")):
        raise ValueError("Nobody is to get the message. Give email_to, email_to_cc or email_to_bcc.")
    for path in attachments or ():
        main, sub = _kind_of(path)
        message.add_attachment(Path(path).read_bytes(), main, sub, filename=Path(path).name)
    await in_thread(_send, email_server_credentials, message)
    return message


def _message(
    username: str | None, subject: str, html: str, sender: str | None, plain: str | None, images: Iterable[AnyPath]
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["Date"] = subject, formatdate()
    if address := sender or username:
        message["From"] = address
        message["Message-ID"] = make_msgid(domain=parseaddr(address)[1].partition("@")[2] or "localhost")
    if plain is None:
        message.set_content(html, subtype="html")
    else:
        message.set_content(plain)
        message.add_alternative(html, subtype="html")
    body = message.get_body(("html",))
    for path in images:
        assert isinstance(body, EmailMessage)
        name, (main, sub) = Path(path).name, _kind_of(path)
        body.add_related(Path(path).read_bytes(), main, sub, cid=f"<{name}>", filename=name, disposition="inline")
    return message


def _send(credentials: EmailServerCredentials, message: EmailMessage) -> None:
    with credentials.get_server() as server:
        try:
            refused = server.send_message(message)
        except smtplib.SMTPException as error:
            raise IntegrationError(f"The mail server refuses the message: {_said(error)}.") from None
    if refused:
        raise IntegrationError(f"The mail server refuses some recipients: {', '.join(sorted(refused))}.")


def _addresses(given: str | Sequence[str] | None) -> list[str]:
    parts = given.split(",") if isinstance(given, str) else given or ()
    return [each.strip() for each in parts if each.strip()]


def _kind_of(path: AnyPath) -> tuple[str, str]:
    kind, encoding = mimetypes.guess_type(os.fspath(path))
    main, _, sub = (kind if kind and encoding is None else "application/octet-stream").partition("/")
    return main, sub


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"no recipient is accepted: {', '.join(sorted(error.recipients))}"
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}".rstrip(". \n")
    return str(error).rstrip(".") or type(error).__name__
