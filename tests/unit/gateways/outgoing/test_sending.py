"""A request goes to the address that was judged, over TLS of that name, once, and not for long."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateways.outgoing.addresses import Address, is_public
from gateways.outgoing.errors import (
    AnswerTooLarge,
    NameNotFound,
    NotPublic,
    NotReached,
    OutgoingError,
    TargetRefused,
    TookTooLong,
)
from gateways.outgoing.sending import MOST_BYTES, Outgoing, Request

PUBLIC = "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"
Answering = Callable[[socket.socket, bytes], None]


class Authority:
    """A certificate authority of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self._certificate = self._signed(self.name, self._key, x509.BasicConstraints(True, None))

    def trusted(self) -> ssl.SSLContext:
        pem = self._certificate.public_bytes(serialization.Encoding.PEM)
        return ssl.create_default_context(cadata=pem.decode())

    def server(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = self._signed(name, key, names)
        path = self._folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.server("hooks.example.org")


class Server:
    """Takes one connection after another, over TLS if there is a context."""

    def __init__(self, tls: ssl.SSLContext | None, answering: Answering) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls, self._answering = tls, answering
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        try:
            if self._tls:
                self._tls.sni_callback = lambda _s, name, _c: self.names.append(name)
                link = self._tls.wrap_socket(link, server_side=True)
            with link:
                request = link.recv(65536)
                self.requests.append(request)
                self._answering(link, request)
        except OSError:
            pass  # the other side had enough


@contextmanager
def serving(tls: ssl.SSLContext | None, answer: bytes | Answering) -> Iterator[Server]:
    answering = answer if callable(answer) else lambda link, _: link.sendall(answer)
    server = Server(tls, answering)
    try:
        yield server
    finally:
        server.close()


class Network:
    """A resolver that says what it is told, one answer after another; connections end at ours."""

    def __init__(self, port: int, *answers: Sequence[str]) -> None:
        self._port, self._answers = port, list(answers)
        self.asked: list[str] = []
        self.reached: list[tuple[Address, int]] = []

    def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def connect(self, address: Address, port: int, within_s: float) -> socket.socket:
        self.reached.append((address, port))
        return socket.create_connection(("127.0.0.1", self._port), timeout=within_s)


def outgoing(network: Network, trusted: ssl.SSLContext, **more: object) -> Outgoing:
    return Outgoing(
        tls=trusted,
        resolve=network.resolve,
        connect=network.connect,
        own_addresses=lambda: [ip_address("198.41.0.4")],
        **more,  # type: ignore[arg-type]
    )


def hook(url: str = "https://hooks.example.org/a?b=c", **headers: str) -> Request:
    return Request("POST", url, headers, b'{"a": 1}')


def test_a_request_goes_to_the_judged_address_with_the_name_in_tls_and_host(
    authority: Authority, tls: ssl.SSLContext
) -> None:
    with serving(tls, OK) as server:
        network = Network(server.port, [PUBLIC])
        answer = outgoing(network, authority.trusted()).send(hook(**{"X-Id": "1"}))
    assert (answer.status, answer.headers["x-a"], answer.body) == (200, "b", b"ok")
    assert network.reached == [(ip_address(PUBLIC), 443)]
    assert server.names == ["hooks.example.org"]
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:2] == [b"POST /a?b=c HTTP/1.1", b"Host: hooks.example.org"]
    assert b"X-Id: 1" in head
    assert body == b'{"a": 1}'


@pytest.mark.parametrize(
    "found",
    [
        *(["127.0.0.1"], ["169.254.169.254"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC]),
        *(["224.0.0.1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"], ["fec0::1"], ["192.0.0.8"]),
        *(["::ffff:127.0.0.1"], ["fe80::1%eth0"], ["64:ff9b:1::1"], ["nonsense"]),
        ["198.41.0.4"],  # public, and this machine's own
        ["::ffff:198.41.0.4"],
    ],
)
def test_a_name_that_leads_into_our_network_is_refused_before_anything_is_sent(
    authority: Authority, found: list[str]
) -> None:
    network = Network(0, found)
    door = outgoing(network, authority.trusted())
    for attempt in (lambda: door.send(hook()), lambda: door.check("https://hooks.example.org/")):
        with pytest.raises(NotPublic) as refused:
            attempt()
        assert not refused.value.retryable
        assert found[0] not in str(refused.value)
    assert network.reached == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[64:ff9b::7f00:1]"])
def test_an_address_in_our_network_is_refused_without_asking_a_resolver(
    authority: Authority, host: str
) -> None:
    network = Network(0, [PUBLIC])
    with pytest.raises(NotPublic):
        outgoing(network, authority.trusted()).send(hook(f"https://{host}/"))
    assert (network.asked, network.reached) == ([], [])


def test_a_name_is_judged_again_each_time_it_is_used(
    authority: Authority, tls: ssl.SSLContext
) -> None:
    with serving(tls, OK) as server:
        network = Network(server.port, [PUBLIC], ["127.0.0.1"])
        door = outgoing(network, authority.trusted())
        assert door.send(hook()).status == 200
        with pytest.raises(NotPublic):
            door.send(hook())
    assert len(network.asked) == 2
    assert len(network.reached) == 1


def test_a_redirect_is_an_answer_and_not_followed(
    authority: Authority, tls: ssl.SSLContext
) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with serving(tls, moved) as server:
        network = Network(server.port, [PUBLIC])
        assert outgoing(network, authority.trusted()).send(hook()).status == 302
    assert len(network.reached) == 1


def test_a_certificate_for_another_name_or_of_a_stranger_is_refused(
    authority: Authority, tls: ssl.SSLContext
) -> None:
    with serving(tls, OK) as server:
        network = Network(server.port, [PUBLIC])
        with pytest.raises(NotReached, match="certificate"):
            outgoing(network, authority.trusted()).send(hook("https://other.example.org/"))
        with pytest.raises(NotReached, match="certificate"):
            outgoing(network, ssl.create_default_context()).send(hook())
        with pytest.raises(NotReached, match="certificate"):
            outgoing(network, authority.trusted()).send(hook(f"https://{PUBLIC}/"))
    assert server.requests == []


def test_a_server_without_tls_is_not_spoken_to(authority: Authority) -> None:
    with serving(None, OK) as server:
        network = Network(server.port, [PUBLIC])
        with pytest.raises(NotReached):
            outgoing(network, authority.trusted()).send(hook())
    assert not any(b"POST" in request for request in server.requests)


def test_proxies_of_the_environment_are_not_asked(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(tls, OK) as server:
        network = Network(server.port, [PUBLIC])
        assert outgoing(network, authority.trusted()).send(hook()).status == 200


def _endless(head: bytes, piece: bytes) -> Answering:
    def answering(link: socket.socket, _request: bytes) -> None:
        link.sendall(head)
        for _ in range(10_000):
            link.sendall(piece)

    return answering


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES + 1),
        _endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096),
        _endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 700),
        _endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 4096 + b"\r\n"),
        _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ],
    ids=["said", "one byte too many", "without end", "in chunks", "head", "to be continued"],
)
def test_an_endless_answer_is_left_when_it_is_too_long(
    authority: Authority, tls: ssl.SSLContext, answer: bytes | Answering
) -> None:
    with serving(tls, answer) as server:
        network = Network(server.port, [PUBLIC])
        with pytest.raises((AnswerTooLarge, NotReached)):
            outgoing(network, authority.trusted()).send(hook())


def test_an_answer_of_just_so_many_bytes_is_read(authority: Authority, tls: ssl.SSLContext) -> None:
    body = b"x" * MOST_BYTES
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving(tls, head + body) as server:
        network = Network(server.port, [PUBLIC])
        assert outgoing(network, authority.trusted()).send(hook()).body == body


def _slowly(text: bytes) -> Answering:
    def answering(link: socket.socket, _request: bytes) -> None:
        for byte in text:
            link.sendall(bytes([byte]))
            threading.Event().wait(0.05)

    return answering


def test_an_answer_byte_by_byte_ends_with_the_time_of_all_of_it(
    authority: Authority, tls: ssl.SSLContext
) -> None:
    with serving(tls, _slowly(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400)) as server:
        network = Network(server.port, [PUBLIC])
        started = time.monotonic()
        with pytest.raises(TookTooLong) as late:
            outgoing(network, authority.trusted(), within_s=0.5).send(hook())
    assert late.value.retryable
    assert time.monotonic() - started < 5


def test_a_server_that_never_shakes_hands_and_a_resolver_that_never_answers_end_in_time(
    authority: Authority,
) -> None:
    waiting = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        network = Network(silent.getsockname()[1], [PUBLIC])
        with pytest.raises(TookTooLong):
            outgoing(network, authority.trusted(), within_s=0.3).send(hook())
    network.resolve = lambda _host, _port: [str(waiting.wait(20))]  # type: ignore[method-assign]
    try:
        with pytest.raises(TookTooLong):
            outgoing(network, authority.trusted(), within_s=0.3).send(hook())
    finally:
        waiting.set()


def test_a_name_that_is_nowhere_is_a_typed_error(authority: Authority) -> None:
    def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    network = Network(0, [])
    with pytest.raises(NameNotFound):
        outgoing(network, authority.trusted()).send(hook())
    network.resolve = nowhere  # type: ignore[method-assign]
    with pytest.raises(NameNotFound):
        outgoing(network, authority.trusted()).send(hook())


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "b\r\nX-C: d"), ("X A", "b"), ("Host", "127.0.0.1"), ("content-length", "0")],
)
def test_no_header_forges_another_or_ours(authority: Authority, name: str, value: str) -> None:
    network = Network(0, [PUBLIC])
    with pytest.raises(ValueError, match="no header"):
        outgoing(network, authority.trusted()).send(hook(**{name: value}))
    assert network.reached == []


def test_our_own_double_on_loopback_is_let_through_by_its_exact_origin(
    authority: Authority,
) -> None:
    with serving(None, OK) as server, serving(None, OK) as other:
        origin = f"http://127.0.0.1:{server.port}"
        door = Outgoing(own_doubles=[origin], tls=authority.trusted())
        assert door.send(hook(f"{origin}/pay")).status == 200
        for url in (
            f"http://127.0.0.1:{other.port}/",
            f"https://127.0.0.1:{server.port}/",
            f"http://127.1:{server.port}/",
            f"http://localhost:{server.port}/",
            f"http://127.0.0.2:{server.port}/",
            f"http://x@127.0.0.1:{server.port}/",
        ):
            with pytest.raises(TargetRefused):
                door.send(hook(url))
    assert other.requests == []


@pytest.mark.parametrize(
    "origin",
    [
        *("http://10.0.0.1:80", "https://example.org:443", "http://localhost:8123"),
        *("http://127.0.0.1:8123/", "http://127.0.0.1", "http://169.254.169.254:80", "*"),
    ],
)
def test_only_an_exact_origin_on_loopback_can_be_a_double(origin: str) -> None:
    with pytest.raises((ValueError, TargetRefused)):
        Outgoing(own_doubles=[origin])


_CONTEXT = ssl.create_default_context()
_ANY_ADDRESS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@given(st.lists(_ANY_ADDRESS, min_size=1, max_size=4))
def test_whatever_a_resolver_says_only_public_addresses_are_ever_reached(found: list[str]) -> None:
    reached: list[Address] = []

    def connect(address: Address, _port: int, _within_s: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    door = Outgoing(
        tls=_CONTEXT, resolve=lambda _host, _port: found, connect=connect, own_addresses=lambda: []
    )
    with pytest.raises(OutgoingError):
        door.send(hook())
    assert all(map(is_public, reached))
    assert not reached or all(is_public(ip_address(text)) for text in found)
