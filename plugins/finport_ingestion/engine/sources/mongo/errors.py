"""pymongo's errors in our kinds, by the server's codes. No value of a document is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import InvalidDocument
from pymongo import errors

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    DeadlineExceeded,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)

_NO_LOGIN = {11, 18, 8000}
_NOT_ENTITLED = {13}
_NOT_THERE = {26}
_WRONG_QUERY = {2, 9, 14, 168, 241, 31249, 31253, 31254}
_TOO_SLOW = {50, 262}
_BUSY = {6, 7, 43, 89, 91, 133, 136, 189, 290, 9001, 10107, 11600, 11602, 13435, 13436}


@contextmanager
def told_in_our_errors(what: str, *, connection_id: str) -> Iterator[None]:
    """Turn pymongo's errors into ours; `what` names source and collection."""
    try:
        yield
    except errors.OperationFailure as error:
        # Its details repeat parts of documents and of the query.
        raise _of_code(error.code, what=what, connection_id=connection_id) from None
    except errors.ConfigurationError as error:
        raise ConfigError(
            f"{what}: the driver cannot connect like this ({error}).",
            hint=f"check auth_source and auth_mechanism of connection '{connection_id}'",
        ) from None
    except (errors.ConnectionFailure, errors.WaitQueueTimeoutError):
        raise SourceUnavailable(
            f"{what}: the server does not answer, or has ended the connection.", hint="try later; check the server"
        ) from None
    except InvalidDocument as error:
        raise ConfigError(f"{what}: the query cannot be sent.", hint="correct 'filter' of the source") from error
    except errors.PyMongoError as error:
        raise PermanentError(f"{what}: the driver fails ({type(error).__name__}).", hint="report this source") from None


def _of_code(code: int | None, *, what: str, connection_id: str) -> FinportError:
    if code in _NO_LOGIN:
        return AccessDenied(
            f"{what}: the login is refused.",
            hint=f"check login, password, auth_source and auth_mechanism of connection '{connection_id}'",
        )
    if code in _NOT_ENTITLED:
        return AccessDenied(
            f"{what} may not be read.", hint=f"grant the role 'read' to the login of connection '{connection_id}'"
        )
    if code in _NOT_THERE:
        return SourceItemMissing(f"{what} is not there.", hint="check 'database' and 'collection' of the source")
    if code in _WRONG_QUERY:
        return ConfigError(f"{what}: the server refuses the query ({code}).", hint="correct 'filter' and 'projection'")
    if code in _TOO_SLOW:
        return DeadlineExceeded(
            f"{what}: the query was not done when the time of the step was used up.",
            hint="raise the step's timeout, or add an index on the incremental field and _id",
        )
    if code in _BUSY:
        return SourceUnavailable(f"{what}: the server cannot serve now ({code}).", hint="try later")
    return PermanentError(f"{what}: the server fails ({code}).", hint="look the code up in its log")
