"""SFTP sources: which servers are believed, and how it is proved who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    PermanentError,
)
from finport_ingestion.engine.sources.sftp import SftpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.sftp_drops import Drop, dropped, source_of
from tests.services.sftp_faults import USER, FaultyServer, faulty_server
from tests.services.sshd_server import SshServer
from tests.unit.network.proxies import recording_proxy


@pytest.fixture
def drop(ssh_server: SshServer) -> Iterator[Drop]:
    """A folder of its own."""
    with dropped(ssh_server) as drop:
        yield drop


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyServer]:
    """A server that misbehaves when a test tells it to."""
    root = tmp_path / "root"
    root.mkdir()
    with faulty_server(root) as server:
        yield server


def test_without_a_pin_the_key_is_shown_and_can_be_pinned_as_shown(faulty: FaultyServer) -> None:
    with pytest.raises(ConfigError, match="no host key is pinned") as raised:
        source_of(faulty, host_key=None).check()
    fingerprint = asyncssh.import_public_key(faulty.host_key).get_fingerprint()
    assert fingerprint in raised.value.message
    shown = re.search(r'"host_key": "([^"]+)"', str(raised.value.hint))
    assert shown is not None
    assert faulty.tries == 0
    assert source_of(faulty, host_key=shown[1]).check()


def test_another_key_than_the_pinned_one_gets_no_password(faulty: FaultyServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(PermanentError, match=r"presents ssh-ed25519 SHA256:.*; pinned is ssh-ed25519 SHA256:"):
        source_of(faulty, host_key=other).check()
    assert faulty.tries == 0


def test_of_several_keys_of_a_server_the_pinned_one_is_asked_for(faulty: FaultyServer) -> None:
    for pin in (faulty.host_key, faulty.other_host_key):
        assert source_of(faulty, host_key=pin).check()


def test_a_pin_of_a_sort_that_the_server_has_not_is_another_key(faulty: FaultyServer) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp521").export_public_key().decode()
    with pytest.raises(PermanentError, match=r"presents [a-z0-9-]+ SHA256:.*; pinned is ecdsa-sha2-nistp521"):
        source_of(faulty, host_key=other).check()
    assert faulty.tries == 0


def test_pins_are_written_in_every_usual_way(faulty: FaultyServer, tmp_path: Path) -> None:
    kind, blob = faulty.host_key.split()[:2]
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"files.example.com {other}[127.0.0.1]:{faulty.port} {faulty.host_key}\n")
    for pin in (blob, f"{kind} {blob} comment", f"[127.0.0.1]:{faulty.port} {kind} {blob}", f"{other}{blob}"):
        assert source_of(faulty, host_key=pin).check()
    assert source_of(faulty, host_key=[other, blob]).check()
    assert source_of(faulty, host_key=None, known_hosts=str(known_hosts)).check()


def test_known_hosts_pins_nothing_for_other_hosts(faulty: FaultyServer, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"files.example.com {faulty.host_key}\n")
    with pytest.raises(ConfigError, match="no host key is pinned"):
        source_of(faulty, host_key=None, known_hosts=str(known_hosts)).check()


def test_an_authority_may_be_pinned_instead_of_its_hosts(tmp_path: Path) -> None:
    authority, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    known_hosts = tmp_path / "known_hosts"
    (tmp_path / "root").mkdir()
    with faulty_server(tmp_path / "root", signed_by=authority) as server:
        for key in (authority, other):
            line = key.export_public_key().decode()
            known_hosts.write_text(f"@cert-authority [127.0.0.1]:{server.port} {line}")
            source = source_of(server, host_key=None, known_hosts=str(known_hosts))
            if key is authority:
                assert source.check()
            else:
                with pytest.raises(
                    PermanentError, match="another authority, or for another host; pinned is ssh-ed25519"
                ):
                    source.check()
    assert server.logins == 1


@pytest.mark.parametrize("pin", ["AAAA", "ssh-ed25519 AAAAnonsense", "SHA256:abc"])
def test_what_is_no_pin_is_a_mistake_of_the_connection(faulty: FaultyServer, pin: str) -> None:
    with pytest.raises(ConfigError, match="host_key is no public key of a host"):
        source_of(faulty, host_key=pin).check()
    with pytest.raises(ConfigError, match="known_hosts /nowhere cannot be used"):
        source_of(faulty, host_key=None, known_hosts="/nowhere").check()


@pytest.mark.parametrize("name", ["no_host_key_check", "allow_host_key_change", "ignore_hostkey_verification"])
def test_there_is_no_switch_to_believe_anybody(faulty: FaultyServer, name: str) -> None:
    with pytest.raises(ConfigError, match=f"asks for {name}, which is not to be had"):
        source_of(faulty, **{name: "true"}).check()
    assert source_of(faulty, **{name: False}).check()


def test_weak_algorithms_are_refused(tmp_path: Path) -> None:
    with faulty_server(tmp_path, ciphers=["aes128-cbc"]) as server:
        with pytest.raises(ConfigError, match="offers only algorithms that are too weak"):
            source_of(server).check()
        assert server.tries == 0


def test_a_private_address_needs_permission(faulty: FaultyServer) -> None:
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
        source_of(faulty, limits={"protection": {"allow_private_network": False}}).check()
    assert faulty.tries == 0


def test_it_goes_through_the_proxy_of_its_connection(faulty: FaultyServer) -> None:
    with recording_proxy(towards=("127.0.0.1", faulty.port)) as proxy:
        assert source_of(faulty, proxy=f"http://127.0.0.1:{proxy.port}").check()
        assert [head.split("\r\n", 1)[0] for head in proxy.asked] == [f"CONNECT 127.0.0.1:{faulty.port} HTTP/1.1"]


def test_a_password(faulty: FaultyServer) -> None:
    assert source_of(faulty).check() == (f"prices: logged in over SSH as {USER}@127.0.0.1, and folder '.' can be read.")
    with pytest.raises(AccessDenied, match="the login is refused"):
        source_of(faulty, secret="mistyped").check()


def test_a_key_in_the_connection_or_in_a_file(drop: Drop) -> None:
    text = drop.server.key_path.read_text()
    assert drop.source().check()
    assert drop.source(extra={"key_file": None, "private_key": text}).check()


def test_a_key_that_an_authority_has_signed(drop: Drop) -> None:
    key = {"key_file": str(drop.server.certified_key_path)}
    with pytest.raises(AccessDenied):
        drop.source(extra=key).check()
    assert drop.source(extra={**key, "certificate_file": str(drop.server.certificate_path)}).check()
    assert drop.source(extra={**key, "certificate": drop.server.certificate_path.read_text()}).check()


def test_an_encrypted_key_needs_its_passphrase(drop: Drop) -> None:
    key = asyncssh.read_private_key(drop.server.key_path)
    text = key.export_private_key("pkcs8-pem", passphrase=PLANTED_SECRET).decode()
    extra = {"key_file": None, "private_key": text}
    assert drop.source(extra={**extra, "private_key_passphrase": PLANTED_SECRET}).check()
    for passphrase in (None, "mistyped"):
        with pytest.raises(ConfigError, match="private key or certificate") as raised:
            drop.source(extra={**extra, "private_key_passphrase": passphrase}).check()
        assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"key_file": "/nowhere"}, r"key_file /nowhere cannot be read \(No such file"),
        ({"key_file": None, "private_key": "MIIB nonsense"}, "its private key or certificate is none"),
        ({"key_file": None}, "has neither password nor key"),
    ],
)
def test_what_is_no_key_is_a_mistake_of_the_connection(drop: Drop, extra: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        drop.source(extra=extra).check()


def test_a_connection_without_login_or_host_is_a_mistake() -> None:
    options = SftpSource.Options.model_validate({"protocol": "sftp"})
    with pytest.raises(ConfigError, match="protocol sftp needs a connection"):
        SftpSource(options, access(None))
    with pytest.raises(ConfigError, match="names no host"):
        SftpSource(options, access(connection("sftp")))
    with pytest.raises(ConfigError, match="has no login"):
        SftpSource(options, access(connection("sftp", host="127.0.0.1"))).check()
