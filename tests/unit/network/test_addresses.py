"""Which addresses are the public network's, and that a name is refused for the worst of them."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.errors import AddressRefused, SourceUnavailable
from finport_ingestion.engine.network.addresses import check_allowed, is_public, resolved
from finport_ingestion.engine.network.protection import Protection

PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:a00:1::",
    "64:ff9b::10.0.0.1",
)
PUBLIC = ("8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8")


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_address_of_this_machine_or_a_private_network_is_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_an_address_of_the_internet_is_public(ip: str) -> None:
    assert is_public(ip)


def test_one_private_address_refuses_the_whole_name() -> None:
    with pytest.raises(AddressRefused, match=r"prices: .*'api\.example\.com' is 10\.0\.0\.1") as raised:
        check_allowed(("8.8.8.8", "10.0.0.1"), host="api.example.com", protection=Protection(), what="prices: GET /")
    assert "allowPrivateNetwork" in (raised.value.hint or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "::1"])
def test_however_loopback_is_spelled_it_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        resolved(host, 443, protection=Protection(), what="prices: GET /")


def test_a_source_may_state_that_it_is_in_the_own_network() -> None:
    protection = Protection(allow_private_network=True)
    (found,) = resolved("127.0.0.1", 443, protection=protection, what="prices: GET /")
    assert (found.ip, found.port) == ("127.0.0.1", 443)


def test_a_name_that_is_nowhere_is_tried_again_later() -> None:
    with pytest.raises(SourceUnavailable, match=r"no-such-host\.invalid"):
        resolved("no-such-host.invalid", 443, protection=Protection(), what="prices: GET /")
