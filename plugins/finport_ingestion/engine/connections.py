"""Addresses and credentials by id, the same with Airflow and without it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

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
            return _from_json(connection_id, text) if text.lstrip().startswith("{") else _from_uri(connection_id, text)
        except ValueError as error:
            # The text holds the secret: the message must not repeat it.
            raise ConfigError(
                f"{variable} is neither a connection in JSON nor a URI.", hint="see Airflow's 'Managing Connections'"
            ) from error.with_traceback(None)


def _from_json(connection_id: str, text: str) -> ConnectionSpec:
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    extra = fields.get("extra") or {}
    extra = json.loads(extra) if isinstance(extra, str) else extra
    password = fields.get("password")
    return ConnectionSpec(
        id=connection_id,
        kind=fields.get("conn_type", ""),
        host=fields.get("host"),
        port=int(fields["port"]) if fields.get("port") else None,
        schema=fields.get("schema"),
        login=fields.get("login"),
        extra=extra,
        secret=lambda: password,
    )


def _from_uri(connection_id: str, text: str) -> ConnectionSpec:
    address = urlsplit(text)
    if not address.scheme:
        raise ValueError("no scheme")
    password = unquote(address.password) if address.password else None
    extra: dict[str, Any] = dict(parse_qsl(address.query))
    if "__extra__" in extra:
        extra = json.loads(extra["__extra__"])
    return ConnectionSpec(
        id=connection_id,
        kind=address.scheme.replace("-", "_"),
        host=unquote(address.hostname) if address.hostname else None,
        port=address.port,
        schema=unquote(address.path[1:]) or None,
        login=unquote(address.username) if address.username else None,
        extra=extra,
        secret=lambda: password,
    )
