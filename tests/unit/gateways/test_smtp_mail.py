"""Mail by a server, against one that speaks just enough SMTP over a real socket."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from email.policy import default

import pytest

from gateways.mail.smtp import SmtpMailer, SmtpServer
from runtime.mailing import mailer
from runtime.settings import load_settings


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            self.server.heard.append(line.strip())
            if word == b"EHLO":
                self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                self.wfile.write(b"235 welcome\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(self.server.answer)


@pytest.fixture
def server() -> Iterator[socketserver.TCPServer]:
    with socketserver.TCPServer(("127.0.0.1", 0), Conversation) as server:
        server.heard, server.mails, server.answer = [], [], b"250 fine\r\n"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_mail_is_handed_to_the_server_that_the_settings_name(server, tmp_path) -> None:
    sending = mailer(
        load_settings(
            tmp_path,
            mail_server=f"127.0.0.1:{server.server_address[1]}",
            mail_security="none",
            mail_username="studio",
            mail_password="secret",
            mail_from="NoCulture <studio@example.com>",
        )
    )
    sending.send("ada@example.com", "Grüße", "Der Link: http://x/y\n")
    (received,) = server.mails
    message = email.message_from_bytes(received, policy=default)
    assert (message["To"], message["Subject"]) == ("ada@example.com", "Grüße")
    assert message["Message-ID"].endswith("@example.com>")
    assert message.get_content().strip() == "Der Link: http://x/y"
    assert any(line.startswith(b"AUTH PLAIN") for line in server.heard)
    assert list(tmp_path.rglob("*.eml")) == []


def test_a_refused_mail_is_an_error_for_whoever_tries_again(server) -> None:
    server.answer = b"451 later\r\n"
    sending = SmtpMailer(SmtpServer(*server.server_address, security="none"), "a@example.com")
    with pytest.raises(OSError, match="later"):
        sending.send("ada@example.com", "Hello", "text")


def test_a_server_without_tls_is_not_told_anything_by_default(server) -> None:
    sending = SmtpMailer(SmtpServer(*server.server_address), "a@example.com")
    with pytest.raises(OSError):
        sending.send("ada@example.com", "Hello", "text")
    assert server.mails == []


def test_no_header_is_smuggled_in(server) -> None:
    sending = SmtpMailer(SmtpServer(*server.server_address, security="none"), "a@example.com")
    with pytest.raises(ValueError):
        sending.send("ada@example.com", "Hi\r\nBcc: all@example.com", "text")
    assert server.heard == []
