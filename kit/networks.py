"""Addresses and networks of clients: whom a connection, a request or a guess counts for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


def address_of(text: str) -> Address | None:
    """Reads an address; an IPv4 one in IPv6 clothes is an IPv4 one. None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def network_of(address: Address, bits: int) -> str:
    """The network of so many bits that the address is in."""
    return str(ip_network((address, bits), strict=False))


class Network(str):
    """Whom to count a stranger as: an IPv4 address, or the /64 that one IPv6 customer owns.

    Some hold a whole /48, which is 65,536 of those: `wider` names it, for a count beside. This
    machine's own address is no customer's, and what is no address is counted as it is.
    """

    __slots__ = ("wider",)
    wider: str | None

    def __new__(cls, host: str) -> Network:
        address = address_of(host)
        if isinstance(address, IPv6Address) and not address.is_loopback:
            network, wider = network_of(address, 64), network_of(address, 48)
        else:
            network, wider = str(address or host), None
        made = super().__new__(cls, network)
        made.wider = wider
        return made

    @property
    def whole(self) -> str:
        """The largest that one customer may hold."""
        return self.wider or str(self)
