"""What a server's first bytes say of its TLS, out of real handshakes and out of garbage."""

from __future__ import annotations

import random
import ssl

import pytest

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.network.server_hello import TLS_1_2, TLS_1_3, chosen_version
from tests.services.certificates import PrivateCa


def first_bytes(private_ca: PrivateCa, version: ssl.TLSVersion) -> bytes:
    """What a server of Python's own TLS answers first, without any network."""
    server_context = private_ca.server_context(minimum=ssl.TLSVersion.TLSv1_2)
    server_context.maximum_version = version
    to_server, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = private_ca.client_context().wrap_bio(to_client, from_client, server_hostname="localhost")
    server = server_context.wrap_bio(to_server, from_server, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    to_server.write(from_client.read())
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    return from_server.read()


@pytest.mark.parametrize(("version", "number"), [(ssl.TLSVersion.TLSv1_2, TLS_1_2), (ssl.TLSVersion.TLSv1_3, TLS_1_3)])
def test_the_version_of_a_real_server_is_read(private_ca: PrivateCa, version: ssl.TLSVersion, number: int) -> None:
    assert chosen_version(first_bytes(private_ca, version)) == number


def test_it_is_not_guessed_before_the_hello_is_whole(private_ca: PrivateCa) -> None:
    hello = first_bytes(private_ca, ssl.TLSVersion.TLSv1_3)
    length = 5 + int.from_bytes(hello[3:5], "big")
    assert [chosen_version(hello[:size]) for size in range(length)] == [None] * length
    assert chosen_version(hello[:length]) == TLS_1_3


def test_an_alert_is_the_clients_to_understand() -> None:
    assert chosen_version(b"\x15\x03\x03\x00\x02\x02\x28") == 0


@pytest.mark.parametrize(
    "received", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n", b"220 ftp\r\n", b"\x16\x02\x00\x00\x10"]
)
def test_another_protocol_is_no_tls(received: bytes) -> None:
    with pytest.raises(FormatError):
        chosen_version(received)


def test_whatever_the_bytes_it_answers_or_says_that_it_is_no_tls(private_ca: PrivateCa) -> None:
    chance = random.Random(7)
    hello = first_bytes(private_ca, ssl.TLSVersion.TLSv1_3)[:200]
    for _ in range(2000):
        spoiled = bytearray(hello)
        for _ in range(chance.randrange(1, 6)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        try:
            version = chosen_version(bytes(spoiled))
        except FormatError:
            continue
        assert version is None or 0 <= version <= 0xFFFF
