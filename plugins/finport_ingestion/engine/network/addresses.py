"""Which addresses a source may be reached at: names are resolved once, and what was checked is what is connected to."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from finport_ingestion.engine.errors import AddressRefused, SourceUnavailable
from finport_ingestion.engine.network.protection import Protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address of a host: what to connect to."""

    family: socket.AddressFamily
    ip: str
    port: int


def resolved(host: str, port: int, *, protection: Protection, what: str) -> tuple[Address, ...]:
    """The addresses of `host`, in the order of the resolver, each of them allowed.

    One that is not allowed refuses the host: whoever answers with a public and a private address wants the latter.

    Args:
        what: Who asks and for what, for messages, e.g. `prices: GET /v1 at api.example.com`.

    Raises:
        AddressRefused: An address is loopback, link-local or private, and the source does not allow that.
        SourceUnavailable: The name is not found.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise SourceUnavailable(
            f"{what}: the host name '{host}' is not found.", hint="check the host, and this machine's DNS"
        ) from error
    check_allowed([str(entry[4][0]) for entry in found], host=host, protection=protection, what=what)
    return tuple(
        Address(family=family, ip=str(where[0]), port=port)
        for family, _, _, _, where in found
        if family in (socket.AF_INET, socket.AF_INET6)
    )


def check_allowed(ips: Iterable[str], *, host: str, protection: Protection, what: str) -> None:
    """Refuse `host` where one of its addresses is none of the public network's. Raises AddressRefused."""
    if protection.allow_private_network:
        return
    for ip in ips:
        if not is_public(ip):
            raise AddressRefused(
                f"{what}: '{host}' is {ip}, which is no address of the public network.",
                hint="correct the host; if the source is in your own network, state security.allowPrivateNetwork",
            )


def is_public(ip: str) -> bool:
    """Whether an address belongs to the public network; IPv4 inside IPv6 counts as IPv4."""
    address = ip_address(ip.partition("%")[0])
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    address = inner or address
    return address.is_global and not address.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    nat64 = int(address) >> 32 == 0x0064FF9B << 64
    return IPv4Address(int(address) & 0xFFFFFFFF) if nat64 else None
