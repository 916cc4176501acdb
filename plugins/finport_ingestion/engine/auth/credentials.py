"""What a connection gives for a login, or the error that says which field is empty."""

from __future__ import annotations

from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.errors import ConfigError


def login_of(grant: Grant) -> str:
    """The connection's login.

    Raises:
        ConfigError: There is no connection, or it has none.
    """
    if grant.connection and grant.connection.login:
        return grant.connection.login
    raise _missing(grant, "login")


def secret_of(grant: Grant) -> str:
    """The connection's password.

    Raises:
        ConfigError: There is no connection, or it has none.
    """
    secret = grant.connection.secret() if grant.connection else None
    if secret:
        return secret
    raise _missing(grant, "password")


def _missing(grant: Grant, field: str) -> ConfigError:
    if grant.connection is None:
        return ConfigError(
            f"{grant.source}: no connection to take a {field} from.",
            hint="state 'connection' in the source, or in its Authentication document",
        )
    return ConfigError(
        f"{grant.source}: connection '{grant.connection.id}' has no {field}.", hint=f"fill in the connection's {field}"
    )
