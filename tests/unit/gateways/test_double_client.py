"""A double over its socket: told nothing until it has shown that it is ours, gone when not used."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from gateways.doubles.client import DoubleClient, Place
from gateways.doubles.errors import DoubleNotThere
from gateways.doubles.server import DoubleServer
from runtime.doubles import client_of
from runtime.mailing import forget_mails, mailer
from runtime.settings import Settings, load_settings
from tests.fixtures.doubles import KEY, mails_in, served


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "data")


def subjects(settings: Settings) -> list[bytes]:
    return [path.read_bytes() for path in settings.outbox_dir.glob("*.eml")]


def test_mails_go_over_the_socket_into_the_outbox_and_are_forgotten(settings: Settings):
    with served(settings):
        sending = mailer(settings)
        sending.send("ada@example.org", "Hello", "you")
        sending.send("eve@example.org", "Hello", "you")
        assert len(subjects(settings)) == 2
        sending.forget("ada@example.org")
        assert b"To: eve@example.org" in subjects(settings)[0]
    assert len(subjects(settings)) == 1


def test_where_none_runs_a_mail_waits_and_an_erasure_does_not(settings: Settings):
    sending = mailer(settings)
    with served(settings) as serving:
        sending.send("ada@example.org", "Hello", "you")
    serving.join()
    with pytest.raises(DoubleNotThere):
        sending.send("ada@example.org", "Hello", "you")
    sending.forget("ada@example.org")
    assert subjects(settings) == []


def test_mails_of_test_mode_are_forgotten_also_once_mail_is_live(settings: Settings):
    with served(settings) as serving:
        mailer(settings).send("ada@example.org", "Hello", "you")
    serving.join()
    live = load_settings(settings.data, mail_server="mail.example:25")
    forget_mails(live, "ada@example.org")
    assert subjects(settings) == []


def test_another_program_on_its_port_is_told_neither_key_nor_mail():
    heard = bytearray()

    def listen(listener: socket.socket) -> None:
        with listener.accept()[0] as link:
            while piece := link.recv(65536):
                heard.extend(piece)
                answer = b'{"proof": "I am the double"}'
                length = str(len(answer)).encode()
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        client = DoubleClient("mail", lambda: Place(listener.getsockname()[1], KEY))
        with pytest.raises(DoubleNotThere):
            client.ask("POST", "/messages", b"a secret")
        thread.join()
    assert heard.startswith(b"GET /proof?nonce=")
    assert KEY.encode() not in heard
    assert b"secret" not in heard


def test_the_port_is_kept_and_closed_to_other_machines(settings: Settings):
    with served(settings) as serving:
        first = client_of(settings, "mail")._place()
    serving.join()
    with served(settings):
        assert client_of(settings, "mail")._place() == first
        beyond = socket.gethostbyname(socket.gethostname())
        if not beyond.startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((beyond, first.port), timeout=1)


def test_a_double_that_is_not_used_ends_by_itself(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as held:
        server = DoubleServer(mails_in(tmp_path), idle_s=0.2)
        thread = threading.Thread(target=server.serve_on, args=(held.dup(),))
        thread.start()
        thread.join(timeout=10)
        assert not thread.is_alive()
