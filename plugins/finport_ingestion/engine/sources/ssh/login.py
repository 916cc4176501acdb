"""How a connection logs in: password, private key, or a key with a certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks, and how that is proved."""

    user: str
    password: str | None = field(default=None, repr=False)
    keys: tuple[Any, ...] = field(default=(), repr=False)  # keys, or pairs of key and certificate


def login_of(connection: ConnectionSpec, *, source: str) -> Login:
    """The login of a connection, named as Airflow's ssh and sftp connections name its parts.

    Extra: `private_key` (text) or `key_file`, `private_key_passphrase`; `certificate` (text) or `certificate_file`.

    Raises:
        ConfigError: There is none, or a key cannot be read; no message repeats any of it.
    """
    where = f"{source}: connection '{connection.id}'"
    if not connection.login:
        raise ConfigError(f"{where} has no login.", hint="state the user as its login")
    keys = _keys(connection, where)
    password = connection.secret()
    if not keys and not password:
        raise ConfigError(
            f"{where} has neither password nor key.",
            hint="state a password, or private_key (or key_file) in its extra",
        )
    return Login(user=connection.login, password=password, keys=keys)


def _keys(connection: ConnectionSpec, where: str) -> tuple[Any, ...]:
    extra = connection.extra
    text = _text(extra.get("private_key"), extra.get("key_file"), "key_file", where)
    if text is None:
        return ()
    try:
        key = asyncssh.import_private_key(text, extra.get("private_key_passphrase") or None)
        certificate = _text(extra.get("certificate"), extra.get("certificate_file"), "certificate_file", where)
        return ((key, asyncssh.import_certificate(certificate)), key) if certificate else (key,)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        # These errors may quote the key.
        reason = "is encrypted otherwise" if isinstance(error, asyncssh.KeyEncryptionError) else "is none"
        raise ConfigError(
            f"{where}: its private key or certificate {reason}.",
            hint="state an OpenSSH or PEM key, and its private_key_passphrase if it has one",
        ) from None


def _text(stated: Any, path: Any, name: str, where: str) -> str | None:
    if stated:
        return str(stated)
    if not path:
        return None
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{where}: {name} {path} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}).",
            hint="name a file that the worker's user can read",
        ) from None
