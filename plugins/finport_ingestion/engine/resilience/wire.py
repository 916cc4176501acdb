"""What went wrong on the way to a web server, told in our errors: which can be retried, and what puts it right.

No text in here repeats a header, a query or a body: they may hold secrets.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import AccessDenied, ConfigError, FinportError, SourceUnavailable

if TYPE_CHECKING:
    import aiohttp

_OLD_TLS = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
_WANTS_CERTIFICATE = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "TLSV1_ALERT_UNKNOWN_CA",
}


def translated(error: aiohttp.ClientError | OSError | ValueError, what: str) -> FinportError:
    """An error of aiohttp as ours. Raise it `from None`: aiohttp's own text may quote a URL or a header.

    Args:
        what: Source, method and path, e.g. `prices: GET /v1/prices at host`.
    """
    import aiohttp

    for cause in _causes(error):
        # aiohttp's own are kinds of SSLError without a reason. An end without TLS's goodbye is like any other end.
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, aiohttp.ClientError | ssl.SSLEOFError):
            return _tls_error(cause, what)
    if isinstance(error, TimeoutError):
        return SourceUnavailable(
            f"{what}: no answer in time ({_waited_for(error)}).",
            hint="try later; if the server always needs longer, raise limits.requestTimeout",
        )
    if isinstance(error, ValueError | aiohttp.NonHttpUrlClientError):
        told = "the address is no valid URL" if isinstance(error, aiohttp.ClientError) else "it cannot be sent"
        return ConfigError(f"{what}: {told}.", hint="check host, url, path, headers and credentials")
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return _proxy_error(error, what)
    if isinstance(error, aiohttp.ClientResponseError):
        return SourceUnavailable(
            f"{what}: the answer is no HTTP that can be understood.", hint="check port and scheme; try later"
        )
    return SourceUnavailable(
        f"{what}: the connection fails ({_reason(error)}).", hint="check host and port, and whether the server is up"
    )


def _waited_for(error: TimeoutError) -> str:
    import aiohttp

    return "connect timeout" if isinstance(error, aiohttp.ConnectionTimeoutError) else "read timeout"


def _proxy_error(error: aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError, what: str) -> FinportError:
    status = getattr(error, "status", None)
    if status is None:
        return SourceUnavailable(
            f"{what}: the proxy cannot be reached ({_reason(error)}).",
            hint="check 'proxy' in the connection's extra or security.proxy, and the proxy itself",
        )
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return AccessDenied(
            f"{what}: the proxy wants other credentials.",
            hint="put them into 'proxy' of the connection's extra, as http://login:password@host:port",
        )
    if status == HTTPStatus.FORBIDDEN:
        return AccessDenied(f"{what}: the proxy lets nobody through to there.", hint="ask who runs the proxy")
    return SourceUnavailable(
        f"{what}: the proxy answers {status}.", hint="check the host, and whether the proxy can reach it"
    )


def _tls_error(error: ssl.SSLError, what: str) -> FinportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(
            f"{what}: the server's certificate is not trusted ({error.verify_message}).",
            hint="name the authority that signed it as 'ca_file' in the connection's extra; it is always checked",
        )
    reason = error.reason or "no reason given"
    if reason in _OLD_TLS:
        return ConfigError(
            f"{what}: the server speaks no TLS version that is accepted here.",
            hint="ask for TLS 1.3, or state security.minTls 1.2 with a reason",
        )
    if reason in _NO_TLS:
        return ConfigError(f"{what}: the server speaks no TLS on this port.", hint="check port and scheme")
    if reason in _WANTS_CERTIFICATE:
        return AccessDenied(
            f"{what}: the server ends the TLS handshake ({reason}).", hint="ask whether it wants a client certificate"
        )
    return SourceUnavailable(f"{what}: TLS fails ({reason}).", hint="try later; check the server's TLS")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(error: Exception) -> str:
    """What the system says, else the kind of the error: `ServerDisconnectedError` as `server disconnected`."""
    numbers = (cause.errno for cause in _causes(error) if isinstance(cause, OSError))
    number = next((number for number in numbers if number), None)
    if number:
        return os.strerror(number)
    name = type(error).__name__.removeprefix("Client").removesuffix("Error")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds or as an HTTP date; None when it says nothing usable."""
    if header is None:
        return None
    text = header.strip()
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None
