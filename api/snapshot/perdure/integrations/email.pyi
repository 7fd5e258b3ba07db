__all__ = [
    "EmailServerCredentials",
    "SMTPServer",
    "SMTPType",
    "email_send_message",
]

class EmailServerCredentials(Block):
    block_type = 'email-server-credentials'
    def get_server(self) -> smtplib.SMTP: ...
    password: SecretStr | None = None
    smtp_port: int | None = None
    smtp_server: str = SMTPServer.GMAIL.value
    smtp_type: SMTPType = SMTPType.SSL
    username: str | None = None

class SMTPServer(StrEnum):
    AOL = 'smtp.aol.com'
    ATT = 'smtp.mail.att.net'
    COMCAST = 'smtp.comcast.net'
    GMAIL = 'smtp.gmail.com'
    ICLOUD = 'smtp.mail.me.com'
    OUTLOOK = 'smtp-mail.outlook.com'
    YAHOO = 'smtp.mail.yahoo.com'

class SMTPType(Enum):
    INSECURE = 25
    SSL = 465
    STARTTLS = 587

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
) -> EmailMessage: ...
