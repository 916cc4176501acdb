"""Whom to believe: the host keys that a connection pins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError, PermanentError

_SIGNATURES = (
    "ssh-ed25519",
    "ssh-ed448",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""How host keys, and keys of users, may sign; not with SHA-1."""
_OFF_SWITCHES = ("no_host_key_check", "allow_host_key_change", "ignore_hostkey_verification")
_CERTIFICATE = "-cert-v01@openssh.com"


@dataclass(frozen=True, slots=True)
class Pins:
    """Keys of the host, keys of authorities that sign such keys, and keys that are believed no more."""

    keys: tuple[asyncssh.SSHKey, ...]
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.authorities)

    @property
    def known_hosts(self) -> tuple[list[asyncssh.SSHKey], ...]:
        """As asyncssh takes it."""
        return list(self.keys), list(self.authorities), list(self.revoked)

    @property
    def algorithms(self) -> list[str]:
        """How the host may prove itself: those of the pinned keys first, so that it uses one of them if it has it."""
        pinned = {name.decode() for key in self.keys for name in key.sig_algorithms}
        by_authority = [f"{name}{_CERTIFICATE}" for name in _SIGNATURES] if self.authorities else []
        by_key = sorted(_SIGNATURES, key=lambda name: name not in pinned)
        return [name for name in by_authority if name != f"ssh-ed448{_CERTIFICATE}"] + by_key

    def told(self) -> str:
        """The fingerprints, for a person."""
        return ", ".join(fingerprint(key) for key in (*self.keys, *self.authorities))


def signatures() -> list[str]:
    """The signatures that are strong enough, the best first."""
    return list(_SIGNATURES)


def fingerprint(key: asyncssh.SSHKey) -> str:
    """`ssh-ed25519 SHA256:...`, as ssh-keygen shows it."""
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


def refuse_off_switches(connection: ConnectionSpec, *, source: str) -> None:
    """Raise ConfigError where a connection asks that any key be believed."""
    for name in _OFF_SWITCHES:
        if str(connection.extra.get(name, "false")).lower() not in ("false", "none", ""):
            raise ConfigError(
                f"{source}: connection '{connection.id}' asks for {name}, which is not to be had.",
                hint="take it out of the extra, and pin the server's key there as host_key",
            )


def pins_of(connection: ConnectionSpec, *, host: str, address: str, port: int, source: str) -> Pins:
    """What the connection's extra pins: `host_key` (several, one a line), or the lines for the host in `known_hosts`.

    Args:
        address: The host's address, which known_hosts may name instead.

    Raises:
        ConfigError: They cannot be read.
    """
    where = f"{source}: connection '{connection.id}'"
    if stated := connection.extra.get("host_key"):
        lines = stated if isinstance(stated, list) else str(stated).splitlines()
        return Pins(tuple(_key(line, where) for line in lines if line.strip()))
    path = connection.extra.get("known_hosts")
    if not path:
        return Pins(())
    try:
        known = asyncssh.import_known_hosts(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{where}: known_hosts {path} cannot be used ({getattr(error, 'strerror', None) or 'it is malformed'}).",
            hint="name a file that the worker can read, as ssh-keyscan writes it",
        ) from error
    other_port = None if port == asyncssh.DEFAULT_PORT else port
    keys, authorities, revoked, *_ = asyncssh.match_known_hosts(known, host, address, other_port)
    return Pins(_as_keys(keys), _as_keys(authorities), _as_keys(revoked))


def not_pinned(connection: ConnectionSpec, presented: asyncssh.SSHKey | None, *, what: str) -> ConfigError:
    """The mistake of a connection that pins nothing for this host; shows what there is to be pinned."""
    if presented is None:
        return ConfigError(f"{what}: no host key is pinned.", hint="put it into the connection's extra as host_key")
    line = presented.export_public_key().decode().split(" ", 2)
    return ConfigError(
        f"{what}: no host key is pinned. The server presents {fingerprint(presented)}.",
        hint="ask the server's operator whether that is its fingerprint; if so, put into the extra of connection"
        f' \'{connection.id}\': "host_key": "{" ".join(line[:2]).strip()}"',
    )


def another_key(pins: Pins, presented: asyncssh.SSHKey | None, *, what: str) -> PermanentError:
    """Somebody else answers, or the server has a new key."""
    shown = fingerprint(presented) if presented else "a certificate of another authority, or for another host"
    return PermanentError(
        f"{what}: the server presents {shown}; pinned is {pins.told()}. Nothing was sent to it.",
        hint="ask the server's operator whether its key was changed; only if so, pin the new one in the connection",
    )


def _key(line: str, where: str) -> asyncssh.SSHKey:
    """Of `AAAA...`, `ssh-ed25519 AAAA...` or a line of known_hosts."""
    words = line.split()
    blob = next((word for word in words if word.startswith("AAAA")), "")
    try:
        content = base64.b64decode(blob, validate=True)
        kind = content[4 : 4 + int.from_bytes(content[:4], "big")].decode("ascii")
        return asyncssh.import_public_key(f"{kind} {blob}")
    except (binascii.Error, UnicodeDecodeError, asyncssh.KeyImportError) as error:
        raise ConfigError(
            f"{where}: host_key is no public key of a host.",
            hint='write it like "ssh-ed25519 AAAA...", as ssh-keyscan prints it',
        ) from error


def _as_keys(found: Sequence[object]) -> tuple[asyncssh.SSHKey, ...]:
    return tuple(key for key in found if isinstance(key, asyncssh.SSHKey))
