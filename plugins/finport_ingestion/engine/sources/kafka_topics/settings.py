"""The settings of librdkafka: TLS that is verified, and a login, out of a connection.

Airflow's Kafka connection holds librdkafka's own settings as its extra; those that say where and who are taken from
there too. No setting turns a check off.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.interface import Access

Settings = dict[str, Any]

_DEFAULT_PORT = 9092
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_KNOWN = {
    *("bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password"),
    *("ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password", "client.id"),
}
_CIPHERS = {
    # Of TLS 1.2 only what needs a key that nobody has: a server that knows no 1.3 finds nothing to choose.
    "1.3": "PSK-AES128-CBC-SHA",
    # These came with TLS 1.2: no older version has them.
    "1.2": "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM",
}
"""librdkafka has no setting for the least version; it has one for the ciphers of TLS 1.2 and older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How a client proves who it is."""

    mechanism: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: Callable[[], tuple[str, float]] | None = field(default=None, repr=False)  # and until when, in epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a cluster is and how it is reached."""

    servers: tuple[tuple[str, int], ...]
    tls: bool
    login: Login
    settings: Settings = field(repr=False)


def way_to(access: Access, *, what: str, token: Callable[[], tuple[str, float]] | None) -> Way:
    """The way that the connection describes.

    Args:
        token: Gives bearer tokens, where the document names an authentication.

    Raises:
        ConfigError: It is incomplete or contradicts itself, or would travel without TLS.
    """
    connection = _connection(access)
    extra = connection.extra
    _refuse_unknown(connection)
    if access.protection.proxy:
        raise ConfigError(
            f"{what}: Kafka's client goes through no proxy.",
            hint="leave 'proxy' out of the connection's extra and security; route the network instead",
        )
    tls = _is_tls(extra)
    if not tls:
        access.protection.demand_tls(what=what, fix="let the connection's extra say 'security.protocol': 'SSL'")
    login = _login(connection, token)
    servers = _servers(connection, what=what)
    settings: Settings = {
        "bootstrap.servers": ",".join(f"{host}:{port}" for host, port in servers),
        "security.protocol": f"{'SASL_' if login.mechanism else ''}{'SSL' if tls else 'PLAINTEXT'}",
        "client.id": extra.get("client.id", "finport-ingestion"),
        "socket.connection.setup.timeout.ms": int(access.request_timeout_seconds * 1000),
        "socket.timeout.ms": max(10, int(access.request_timeout_seconds * 1000)),
        "log_level": 0,
        **(_tls(access, extra) if tls else {}),
        **_sasl(login),
    }
    return Way(servers=servers, tls=tls, login=login, settings=settings)


def _connection(access: Access) -> ConnectionSpec:
    if access.connection is None:
        raise ConfigError(f"{access.source}: no connection.", hint="state 'connection' in the source")
    return access.connection


def _refuse_unknown(connection: ConnectionSpec) -> None:
    dotted = sorted(name for name in connection.extra if "." in name and name not in _KNOWN)
    if dotted:
        raise ConfigError(
            f"connection '{connection.id}': '{dotted[0]}' in the extra is not used here.",
            hint=f"take it out; of librdkafka's settings these are known: {', '.join(sorted(_KNOWN))}",
        )


def _is_tls(extra: Mapping[str, Any]) -> bool:
    stated = str(extra.get("security.protocol", "")).upper()
    if stated:
        return stated.endswith("SSL")
    return str(extra.get("tls", "true")).lower() not in ("false", "0", "no")


def _servers(connection: ConnectionSpec, *, what: str) -> tuple[tuple[str, int], ...]:
    stated = connection.extra.get("bootstrap.servers") or connection.host
    if not stated:
        raise ConfigError(f"{what}: no server.", hint="fill in the connection's host, or 'bootstrap.servers'")
    return tuple(_server(each.strip(), connection, what=what) for each in str(stated).split(",") if each.strip())


def _server(text: str, connection: ConnectionSpec, *, what: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(connection.port or _DEFAULT_PORT)
    if not port.isdecimal() or "/" in host or "@" in host:
        raise ConfigError(f"{what}: '{host}' is no server.", hint="write host:port, several with commas")
    return host.strip("[]"), int(port)


def _login(connection: ConnectionSpec, token: Callable[[], tuple[str, float]] | None) -> Login:
    extra = connection.extra
    stated = extra.get("sasl.mechanism") or extra.get("sasl.mechanisms") or extra.get("sasl_mechanism")
    user = connection.login or extra.get("sasl.username")
    mechanism = "OAUTHBEARER" if token else str(stated).upper() if stated else "SCRAM-SHA-512" if user else None
    if mechanism is not None and mechanism not in _MECHANISMS:
        raise ConfigError(
            f"connection '{connection.id}': '{mechanism}' is no sasl.mechanism that is known here.",
            hint=f"use one of {', '.join(_MECHANISMS)}",
        )
    if mechanism == "OAUTHBEARER":
        if token is None:
            raise ConfigError(
                f"connection '{connection.id}': OAUTHBEARER needs a token.",
                hint="name an Authentication of an OAuth 2.0 method in the source",
            )
        return Login(mechanism=mechanism, token=token)
    password = connection.secret() or extra.get("sasl.password")
    if mechanism and not (user and password):
        raise ConfigError(f"connection '{connection.id}' has no login or no password.", hint="fill both in")
    return Login(mechanism=mechanism, user=user, password=password)


def _sasl(login: Login) -> Settings:
    if login.mechanism is None:
        return {}
    if login.token is not None:
        return {"sasl.mechanism": login.mechanism}  # tokens are handed over by who hears what goes wrong with them
    return {"sasl.mechanism": login.mechanism, "sasl.username": login.user, "sasl.password": login.password}


def _tls(access: Access, extra: Mapping[str, Any]) -> Settings:
    settings: Settings = {
        "ssl.ca.location": access.protection.ca_file or extra.get("ssl.ca.location") or _authorities(),
        "ssl.endpoint.identification.algorithm": "https",
        "enable.ssl.certificate.verification": True,
        "ssl.cipher.suites": _CIPHERS[access.protection.min_tls],
    }
    certificate = extra.get("client_cert_file") or extra.get("ssl.certificate.location")
    if certificate:
        settings["ssl.certificate.location"] = certificate
        settings["ssl.key.location"] = extra.get("client_key_file") or extra.get("ssl.key.location") or certificate
    if passphrase := extra.get("client_key_passphrase") or extra.get("ssl.key.password"):
        settings["ssl.key.password"] = passphrase
    return settings


def _authorities() -> str:
    """Those of this machine; certifi's where it has none, as in slim images."""
    paths = ssl.get_default_verify_paths()
    if found := paths.cafile or paths.capath:
        return found
    import certifi

    return certifi.where()
