"""Addresses and credentials by id, the same with Airflow and without it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from finport_ingestion.engine.errors import ConfigError, MissingConnection


def _no_secret() -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """One connection. The secret is asked for when it is used and stands in no text of this object."""

    id: str
    kind: str
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    login: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secret: Callable[[], str | None] = field(default=_no_secret, repr=False, compare=False)
    read: Callable[[], ConnectionSpec] | None = field(default=None, repr=False, compare=False)

    def reread(self) -> ConnectionSpec:
        """The connection as it stands now: it may have been rotated since. Raises MissingConnection if it is gone."""
        return self.read() if self.read else self


class Connections(Protocol):
    """Where connections come from."""

    def get(self, connection_id: str) -> ConnectionSpec:
        """The connection called so.

        Raises:
            MissingConnection: There is none.
        """
        ...


class EnvironmentConnections:
    """Connections out of `AIRFLOW_CONN_<ID>`, as JSON or as a URI, read as Airflow reads them, without Airflow."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def get(self, connection_id: str) -> ConnectionSpec:
        variable = f"AIRFLOW_CONN_{connection_id.upper()}"
        text = self._environment.get(variable)
        if text is None:
            raise MissingConnection(
                f"no connection '{connection_id}'.",
                hint=f"add it in Airflow (Admin, Connections), or set {variable}",
            )
        try:
            fields = _from_json(text) if text.lstrip().startswith("{") else _from_uri(text)
        except ValueError as error:
            # The text holds the secret: the message must not repeat it.
            raise ConfigError(
                f"{variable} is neither a connection in JSON nor a URI.", hint="see Airflow's 'Managing Connections'"
            ) from error.with_traceback(None)
        password = fields.pop("password", None) or None
        fields["kind"] = _normalised(fields["kind"] or "")
        return ConnectionSpec(id=connection_id, **fields, secret=lambda: password, read=lambda: self.get(connection_id))


def _from_json(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    extra = fields.get("extra") or {}
    stated: dict[str, Any] = {name: fields.get(name) or None for name in ("host", "schema", "login", "password")}
    return stated | {
        "kind": fields.get("conn_type"),
        "port": int(fields["port"]) if fields.get("port") else None,
        "extra": json.loads(extra) if isinstance(extra, str) else extra,
    }


def _from_uri(text: str) -> dict[str, Any]:
    """`type://login:password@host:port/schema?extra`; a host may bring a scheme of its own: `type://https://host`."""
    kind, _, rest = text.partition("://")
    if not rest and not text.endswith("://"):
        raise ValueError("no scheme")
    scheme, has_scheme, behind = rest.partition("://")
    if not has_scheme or not scheme.replace("+", "").isalnum():
        scheme, behind = "", rest
    address = urlsplit(f"//{behind}")
    extra: dict[str, Any] = dict(parse_qsl(address.query, keep_blank_values=True))
    host = _host(address)
    return {
        "kind": kind,
        "host": f"{scheme}://{host}" if scheme and host else host,
        "port": address.port,
        "schema": unquote(address.path[1:]) or None,
        "login": unquote(address.username) if address.username else None,
        "password": unquote(address.password) if address.password else None,
        "extra": json.loads(extra["__extra__"]) if "__extra__" in extra else extra,
    }


def _host(address: SplitResult) -> str | None:
    """The host as it is written, where it holds a path; in lower case otherwise, as Airflow reads it."""
    host = unquote(address.hostname or "")
    if "/" in host:
        host = unquote(address.netloc.rpartition("@")[2].partition(":")[0])
    return host or None


def _normalised(kind: str) -> str:
    """The type as Airflow names it."""
    name = kind.replace("-", "_")
    return "postgres" if name == "postgresql" else name
