"""Nothing but addresses of the public internet passes, however another one is wrapped."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateways.outgoing.addresses import is_public

REFUSED = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::808:808"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "100::1", "100:0:0:1::1"),
    *("2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1"),
    *("2620:4f:8000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1", "ff0e::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1"),
    *("2606:4700::1111%1", "4000::1", "8000::1"),
)
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "192.0.1.1", "223.255.255.254", "172.32.0.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"),
)
_PRIVATE_4 = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
    )
]
addresses_4 = st.integers(0, 2**32 - 1).map(IPv4Address)
private_4 = st.sampled_from(_PRIVATE_4).flatmap(
    lambda net: st.integers(int(net[0]), int(net[-1])).map(IPv4Address)
)
addresses_6 = st.integers(0, 2**128 - 1).map(IPv6Address)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_everybodys_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_on_the_public_internet_is_let_through(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.one_of(addresses_4, private_4, addresses_6))
@example(IPv4Address("224.0.0.1"))
@example(IPv6Address("fec0::1"))
def test_nothing_that_is_not_global_ever_passes(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        wrapped = getattr(address, "ipv4_mapped", None) or address
        assert wrapped.is_global or address in IPv6Network("64:ff9b::/96")
        assert not wrapped.is_multicast
        assert not wrapped.is_private
        assert not wrapped.is_reserved or address in IPv6Network("64:ff9b::/96")
        assert not any((wrapped.is_loopback, wrapped.is_link_local, wrapped.is_unspecified))


@given(private_4, st.integers(0, 2**16 - 1), st.integers(0, 2**64 - 1))
def test_no_wrapping_makes_a_private_address_pass(
    inner: IPv4Address, low: int, client: int
) -> None:
    number = int(inner)
    wrapped = [
        0xFFFF << 32 | number,
        number,
        0x0064FF9B << 96 | number,
        0x0064FF9B0001 << 80 | number,
        0x0064FF9B0001 << 80 | (number >> 16) << 64 | (number & 0xFFFF) << 40,
        0x2002 << 112 | number << 80 | low << 64 | client,
        0x20010000 << 96 | number << 64 | client,
        0x20010000 << 96 | client << 32 & (2**96 - 1) | number ^ 0xFFFFFFFF,
        0x2606_4700 << 96 | 0x00005EFE << 32 | number,
        0x2606_4700 << 96 | 0x02005EFE << 32 | number,
    ]
    assert not any(is_public(IPv6Address(one)) for one in wrapped)
    assert not is_public(inner)


@given(st.integers(0, 2**128 - 1).filter(lambda n: n >> 125 != 1))
def test_of_ipv6_only_what_is_assigned_as_global_unicast_passes(number: int) -> None:
    address = IPv6Address(number)
    if address not in IPv6Network("64:ff9b::/96") and address not in IPv6Network("::ffff:0:0/96"):
        assert not is_public(address)
