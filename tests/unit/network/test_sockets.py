"""A connected socket, directly and through the source's proxy."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from finport_ingestion.engine.errors import AccessDenied, AddressRefused, ConfigError, FinportError, SourceUnavailable
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.network.sockets import connected
from tests.conformance.sources.access import PLANTED_SECRET, UNESCAPED_SECRET
from tests.services.process import free_port
from tests.unit.network.proxies import recording_proxy


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


def connect(host: str, port: int, **stated: Any) -> socket.socket:
    protection = Protection(**{"allow_private_network": True, **stated})
    return connected(host, port, protection=protection, timeout_seconds=5, what="prices: the way")


def test_it_is_connected_and_keeps_its_timeout(listener: socket.socket) -> None:
    with connect("127.0.0.1", listener.getsockname()[1]) as reached:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"220 hello\r\n")
            assert reached.recv(100) == b"220 hello\r\n"
        assert reached.gettimeout() == 5


def test_a_small_request_is_sent_at_once(listener: socket.socket) -> None:
    with connect("127.0.0.1", listener.getsockname()[1]) as reached:
        assert reached.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_this_machine_is_refused_where_nothing_else_is_stated(listener: socket.socket) -> None:
    with pytest.raises(AddressRefused):
        connect("127.0.0.1", listener.getsockname()[1], allow_private_network=False)


def test_where_nobody_listens_it_is_tried_again_later() -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        connect("127.0.0.1", free_port())


def test_a_proxy_is_asked_with_its_credentials_and_takes_nothing_of_what_follows(listener: socket.socket) -> None:
    target = listener.getsockname()
    with (
        recording_proxy(towards=target) as proxy,
        connect("files.example.com", 21, proxy=f"http://us%40r:pw@127.0.0.1:{proxy.port}") as reached,
    ):
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"220 hello\r\n")
            assert reached.recv(100) == b"220 hello\r\n"
        assert proxy.asked[0].startswith("CONNECT files.example.com:21 HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic dXNAcjpwdw==\r\n" in proxy.asked[0]


def test_a_proxy_is_asked_for_the_address_that_was_checked() -> None:
    with (
        recording_proxy() as proxy,
        connect("8.8.8.8", 443, proxy=f"http://127.0.0.1:{proxy.port}", allow_private_network=False),
    ):
        assert proxy.asked[0].startswith("CONNECT 8.8.8.8:443 ")


def test_a_name_that_only_the_proxy_knows_is_left_to_it() -> None:
    with (
        recording_proxy() as proxy,
        connect("files.invalid", 443, proxy=f"http://127.0.0.1:{proxy.port}", allow_private_network=False),
    ):
        assert proxy.asked[0].startswith("CONNECT files.invalid:443 ")


def test_a_proxy_is_no_way_around_the_check_of_addresses() -> None:
    with recording_proxy() as proxy, pytest.raises(AddressRefused):
        connect("169.254.169.254", 80, proxy=f"http://127.0.0.1:{proxy.port}", allow_private_network=False)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("407 Proxy Authentication Required", AccessDenied),
        ("403 Forbidden", AccessDenied),
        ("502 Bad Gateway", SourceUnavailable),
        ("nonsense", SourceUnavailable),
    ],
)
def test_what_a_proxy_answers_decides_whether_it_is_tried_again(answer: str, kind: type[FinportError]) -> None:
    with recording_proxy(answer=answer) as proxy, pytest.raises(kind, match="prices: the way: the proxy"):
        connect("files.example.com", 21, proxy=f"http://127.0.0.1:{proxy.port}")


def test_a_proxy_that_does_not_answer_is_tried_again_later() -> None:
    with pytest.raises(SourceUnavailable, match="the proxy"):
        connect("files.example.com", 21, proxy=f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("address", ["proxy.example.com:3128", "socks5://127.0.0.1:1", "http://", "http://h:port"])
def test_an_address_that_is_no_proxy_is_a_mistake_of_the_configuration(address: str) -> None:
    with pytest.raises(ConfigError):
        connect("files.example.com", 21, proxy=address)


def test_no_text_repeats_the_proxys_password() -> None:
    texts = []
    for answer in ("407 No", "502 Bad", "nonsense"):
        with recording_proxy(answer=answer) as proxy, pytest.raises(FinportError) as raised:
            connect("files.example.com", 21, proxy=f"http://us:{UNESCAPED_SECRET}@127.0.0.1:{proxy.port}")
        texts.append("".join(traceback.format_exception(raised.value)))
    with pytest.raises(FinportError) as raised:
        connect("files.example.com", 21, proxy=f"http://us:{PLANTED_SECRET}@127.0.0.1:x")
    texts.append("".join(traceback.format_exception(raised.value)))
    assert not [text for text in texts if UNESCAPED_SECRET in text.replace(__file__, "")]
