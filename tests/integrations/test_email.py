"""E-mail, to a server that the test runs: plain, with TLS from the beginning, and with STARTTLS."""

import asyncio
import base64
import email
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from perdure import flow
from perdure.errors import IntegrationError
from perdure.integrations.email import EmailServerCredentials, SMTPServer, SMTPType, email_send_message


class _Session(socketserver.StreamRequestHandler):
    """As much of SMTP as smtplib speaks. Nobody is let in but ada; who begins with `no` gets nothing."""

    server: "Server"

    def handle(self) -> None:
        with suppress(ssl.SSLError):  # the client does not trust us
            self._converse()
        self.connection.close()

    def _converse(self) -> None:
        if self.server.context is not None and self.server.at_once:
            self._secure()
        self._say("220 hello")
        self.recipients: list[str] = []
        self.user = ""
        while line := self.rfile.readline().decode().strip():
            if not self._answer(line):
                return

    def _answer(self, line: str) -> bool:
        word = line.split()[0].upper()
        if word == "EHLO":
            secure = self.server.context is not None and not self.server.at_once
            self._say("250-hello", *(["250-STARTTLS"] if secure else []), "250 AUTH PLAIN")
        elif word == "STARTTLS":
            self._say("220 go")
            self._secure()
        elif word == "AUTH":
            _, self.user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self._say("235 in" if (self.user, password) == ("ada", "sesame") else "535 wrong password")
        elif word == "RCPT":
            refused = "<no" in line
            self.recipients += [] if refused else [line.partition("<")[2].partition(">")[0]]
            self._say("550 unknown" if refused else "250 yes")
        elif word == "DATA":
            self._say("354 go")
            lines = iter(self.rfile.readline, b".\r\n")
            message = email.message_from_bytes(b"".join(lines), policy=default)
            assert isinstance(message, EmailMessage)
            self.server.received.append((self.user, self.recipients, message))
            self._say("250 yes")
        else:
            self._say("221 bye" if word == "QUIT" else "250 yes")
        return word != "QUIT"

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _secure(self) -> None:
        assert self.server.context is not None
        plain = self.connection
        context = self.server.context
        self.connection = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self.connection.do_handshake()
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)


class Server(socketserver.ThreadingTCPServer):
    """Keeps what it is sent: who sent it, to whom, and the message."""

    allow_reuse_address = True
    context: ssl.SSLContext | None = None
    at_once = False
    received: list[tuple[str, list[str], EmailMessage]]

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextmanager
def running(context: ssl.SSLContext | None = None, at_once: bool = False) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), _Session) as server:
        server.context, server.at_once, server.received = context, at_once, []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as made:
        yield made


def credentials(server: Server, kind: SMTPType = SMTPType.INSECURE, password: str = "sesame") -> EmailServerCredentials:
    return EmailServerCredentials(
        username="ada", password=SecretStr(password), smtp_server="127.0.0.1", smtp_type=kind, smtp_port=server.port
    )


def send(*args: Any, **kwargs: Any) -> Any:
    """The task, called by a flow."""

    @flow
    def sending() -> Any:
        email_send_message(*args, **kwargs)

    return sending()


def test_a_message_reaches_all_who_are_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    (tmp_path / "chart.png").write_bytes(b"\x89PNG")
    send(
        credentials(server),
        "Grüße",
        '<p>All is well <img src="cid:chart.png"></p>',
        "bob@example.org, eve@example.org",
        email_to_cc=["joe@example.org"],
        email_to_bcc="sam@example.org",
        attachments=[tmp_path / "data.csv"],
        images=[str(tmp_path / "chart.png")],
        msg_plain="All is well",
    )
    ((user, recipients, message),) = server.received
    assert (user, message["From"], message["Subject"]) == ("ada", "ada", "Grüße")
    assert sorted(recipients) == [f"{name}@example.org" for name in ("bob", "eve", "joe", "sam")]
    assert message["Bcc"] is None
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content().strip(), "All is well" in html.get_content()) == ("All is well", True)
    (attachment,) = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content().strip()) == ("data.csv", "a,b")
    assert [part["Content-ID"] for part in message.walk() if part.get_content_type() == "image/png"] == ["<chart.png>"]


def test_a_coroutine_flow_awaits_it(server: Server) -> None:
    @flow
    async def sending() -> None:
        await email_send_message(credentials(server), "x", "y", "bob@example.org", email_from="joe@example.org")

    asyncio.run(sending())
    assert server.received[0][2]["From"] == "joe@example.org"


@pytest.mark.parametrize("kind", [SMTPType.SSL, SMTPType.STARTTLS])
def test_a_secure_connection_checks_the_certificate(
    kind: SMTPType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(context, at_once=kind is SMTPType.SSL) as server:
        with pytest.raises(IntegrationError, match="certificate verify failed"):
            credentials(server, kind).get_server()
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        send(credentials(server, kind), "x", "y", "bob@example.org")
        assert server.received[0][0] == "ada"


def test_refusals_are_errors_without_the_password(server: Server) -> None:
    with pytest.raises(IntegrationError, match="535 wrong password") as caught:
        send(credentials(server, password="s3cret"), "x", "y", "bob@example.org")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(IntegrationError, match="no recipient is accepted: nobody@example"):
        send(credentials(server), "x", "y", "nobody@example.org")
    with pytest.raises(IntegrationError, match="some recipients: nobody@example"):
        send(credentials(server), "x", "y", ["bob@example.org", "nobody@example.org"])
    with pytest.raises(IntegrationError, match="is not reached"):
        EmailServerCredentials(smtp_server="127.0.0.1", smtp_port=9).get_server()


@pytest.mark.parametrize("fields", [{}, {"email_to": "bob@example.org\nBcc: eve@example.org"}])
def test_a_message_that_would_go_astray_is_refused(server: Server, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Nobody is to get|newline|linefeed"):
        send(credentials(server), "x", "y", **fields)
    assert server.received == []


def test_servers_and_types_go_by_their_names() -> None:
    made = EmailServerCredentials(smtp_server="outlook", smtp_type="starttls")  # type: ignore[arg-type]
    assert (made.smtp_server, made.smtp_type) == (SMTPServer.OUTLOOK, SMTPType.STARTTLS)
    made.save("mine")
    assert EmailServerCredentials.load("mine") == made
