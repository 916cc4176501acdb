"""What went wrong on the way to a web server, told in our errors: which can be retried, and what puts it right.

No text in here repeats a header, a query or a body: they may hold secrets.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import AccessDenied, ConfigError, FinportError, SourceUnavailable

if TYPE_CHECKING:
    import httpx

_OLD_TLS = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
_WANTS_CERTIFICATE = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_UNKNOWN_CA"}


@contextmanager
def told_in_our_errors(what: str) -> Iterator[None]:
    """Turn httpx's errors into ours; `what` names source, method and path, e.g. `prices: GET /v1/prices at host`."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        # httpx's own text may quote a header, so the chain ends here.
        raise _translated(error, what) from None
    except httpx.InvalidURL:
        raise ConfigError(f"{what}: the address is no valid URL.", hint="check host, url and path") from None


def _translated(error: httpx.HTTPError, what: str) -> FinportError:
    import httpx

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return _tls_error(cause, what)
        if isinstance(cause, socket.gaierror):
            return SourceUnavailable(
                f"{what}: the host name is not found.", hint="check the connection's host, and this machine's DNS"
            )
    if isinstance(error, httpx.TimeoutException):
        return SourceUnavailable(
            f"{what}: no answer in time ({_words(error)}).",
            hint="try later; if the server always needs longer, raise limits.requestTimeout",
        )
    if isinstance(error, httpx.ProxyError):
        return SourceUnavailable(
            f"{what}: the proxy refuses or fails.", hint="check 'proxy' in the connection's extra, and the proxy itself"
        )
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return ConfigError(
            f"{what}: the request cannot be sent as it is written.", hint="check URL, headers and credentials"
        )
    if isinstance(error, httpx.DecodingError):
        return SourceUnavailable(f"{what}: the body is not compressed as its headers say.", hint="try later")
    reason = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), _words(error))
    return SourceUnavailable(
        f"{what}: the connection fails ({reason}).", hint="check host and port, and whether the server is up"
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


def _words(error: Exception) -> str:
    """`ReadTimeout` as `read timeout`."""
    name = type(error).__name__
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
