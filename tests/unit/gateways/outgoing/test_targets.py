"""An address that two readers could read differently is refused, whatever it resolves to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.outgoing.errors import TargetRefused
from gateways.outgoing.targets import read_target

ODD = (
    # Spellings of 127.0.0.1 that getaddrinfo takes
    *("2130706433", "0x7f.1", "017700000001", "127.1", "127.0.1", "0x7f000001", "0177.0.0.1"),
    *("127.0.0.01", "0x7F.0x0.0x0.0x1", "127.0.0.0x1", "0x", "127.0.0.1.", "00127.0.0.1"),
    # Characters that are folded to others
    *(
        "１２７.0.0.1",
        "１２７。０。０。１",
        "127。0。0。1",
        "ⓛocalhost.org",
        "exampl℮.org",
        "ex­ample.org",
    ),
    *("exаmple.org", "example.org．", "münchen.de", "faß.de", "a\u200db.org", "a\u202eb.org"),
    # Hosts that are none, or not whole
    *("", ".", "localhost", "intranet", "example.org.", "example..org", ".example.org"),
    *("-a.org", "a-.org", "a_b.org", "a b.org", "a%2eorg", "%6cocalhost.org", "a" * 64 + ".org"),
    *("a." * 127 + "org", "example.123", "example.0x7f", "1.2.3", "1.2.3.4.5", "256.1.1.1"),
    # Somebody before an @, zones, brackets
    *("user@example.org", "user:pw@example.org", "example.org@127.0.0.1", "example.org:443@a.org"),
    *("[::1%lo]", "[fe80::1%25eth0]", "[::1", "::1]", "[127.0.0.1]", "[v1.a]", "[]", "::1"),
    *("[::ffff:127.0.0.1]x", "a.org\\@b.org", "a.org\\.b.org", "a.org\t", "a.org\r\nX: y"),
    # Ports
    *("a.org:", "a.org:80", "a.org:22", "a.org:0443", "a.org:+443", "a.org:443:443", "a.org:99999"),
    *("a.org:-1", "a.org:4４3", "a.org:8080", "a.org:0"),
)


@pytest.mark.parametrize("authority", ODD)
def test_an_odd_spelling_is_refused(authority: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(f"https://{authority}/hook")


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://a.org/"),
        *("https:example.org", "https:/example.org", "https:///example.org", "//example.org/"),
        *("example.org", "", "https://", " https://example.org/", "https://example.org/ a"),
        *("https://example.org/\r\nX: y", "https://example.org/\0", "https://example.org/ü"),
        *("javascript:alert(1)", "https://example.org/" + "a" * 2048, "https:\\\\example.org/"),
        *("jar:https://example.org/", "unix:///run/docker.sock", "https://?x", "https://#x"),
    ],
)
def test_what_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://example.org", "example.org", 443, "/"),
        ("HTTPS://Example.ORG:8443/a?b=c#d", "example.org", 8443, "/a?b=c"),
        ("https://example.org?b=c", "example.org", 443, "/?b=c"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", 443, "/"),
        ("https://93.184.216.34/", "93.184.216.34", 443, "/"),
        ("https://[2606:4700::1111]:443/", "2606:4700::1111", 443, "/"),
        ("https://[2606:4700:0:0::1111]/", "2606:4700::1111", 443, "/"),
    ],
)
def test_a_plain_address_is_read(url: str, host: str, port: int, path: str) -> None:
    target = read_target(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_written_is_read_or_refused(authority: str, path: str) -> None:
    try:
        target = read_target(f"https://{authority}/{path}")
    except TargetRefused:
        return
    assert target.scheme == "https"
    assert target.port in {443, 8443}
    assert target.address is not None or "." in target.host
    assert target.host.isascii()
    assert target.path.isascii()
    assert "@" not in target.origin
