"""Which addresses are everybody's.

`ipaddress.is_global` alone is not enough: Python 3.11 says True for multicast (224.0.0.1), for
127.0.0.1 in NAT64 (64:ff9b::7f00:1) and 6to4 (2002:7f00:1::), for 192.0.0.8 and fec0::1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries, whole blocks, also where a single address in one is public.
_NOT_FOR_US_4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_UNICAST_6 = IPv6Network("2000::/3")  # all that is assigned as global unicast
_NOT_FOR_US_6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
# The public prefix of NAT64: the IPv4 address behind it counts. 64:ff9b:1::/48 is a network's own.
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(address: Address) -> bool:
    """Whether it and every address inside of it is on the public internet."""
    if isinstance(address, IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not any(address in network for network in _NOT_FOR_US_4)
        )
    if address.scope_id is not None:
        return False
    inside = list(_inside(address))
    if not all(map(is_public, inside)):
        return False
    if address.ipv4_mapped or address in _NAT64:
        return True
    return (
        address in _UNICAST_6
        and address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_FOR_US_6)
    )


def read_address(text: str) -> Address | None:
    """The address if the text is one in its usual spelling; no 127.1, no leading zeros."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _inside(address: IPv6Address) -> Iterator[IPv4Address]:
    """IPv4 addresses that packets to this one may be handed to."""
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
