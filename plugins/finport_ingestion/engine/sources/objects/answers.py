"""What object stores answer when they do not give what was asked for, told in our errors.

obstore hands their answers over as text: the status and the code in it are read, and nothing else is repeated, since it
may hold signatures and keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    RateLimited,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer stands for; `{connection}` in a hint is whose credentials were used."""

    kind: type[FinportError]
    says: str
    hint: str

    def error(self, what: str, connection: str) -> FinportError:
        """The error, for source and request `what`."""
        return self.kind(f"{what}: {self.says}.", hint=self.hint.format(connection=connection))


_ITEM_GONE = Meaning(SourceItemMissing, "it is not there any more", "run again")
_CHANGED = Meaning(
    SourceItemChanged, "it is not any more what was listed", "run again; state 'settle' if it is often written over"
)
_NOT_PUBLIC = Meaning(AccessDenied, "it is not public", "leave 'anonymous' out, and name a connection")
_TOKEN = Meaning(AccessDenied, "the session token is not accepted", "renew token and keys of {connection}")
_REGION = Meaning(
    ConfigError, "the bucket is in another region", "state its region as 'region_name' in the extra of {connection}"
)
_ARCHIVED = Meaning(PermanentError, "it is archived", "have it restored, then run again")
_SLOWER = Meaning(RateLimited, "the service asks to slow down", "try later; lower limits.rate or downloads.ranges")
_DOWN = Meaning(SourceUnavailable, "the service cannot serve now", "try later")

CODES: dict[str, Meaning] = {
    # S3, and Google's XML API
    "SignatureDoesNotMatch": Meaning(
        AccessDenied, "the signature does not match", "correct the secret of {connection}"
    ),
    "InvalidAccessKeyId": Meaning(AccessDenied, "the access key is not known", "correct the login of {connection}"),
    "ExpiredToken": Meaning(AccessDenied, "the credentials have expired", "renew those of {connection}"),
    "InvalidToken": _TOKEN,
    "TokenRefreshRequired": _TOKEN,
    "RequestTimeTooSkewed": Meaning(
        AccessDenied, "the clock of this machine is too far off", "set the clock of this machine (NTP)"
    ),
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "NoSuchBucket": Meaning(SourceItemMissing, "there is no such bucket", "correct 'bucket' in the source"),
    "NoSuchKey": _ITEM_GONE,
    "InvalidObjectState": _ARCHIVED,
    "SlowDown": _SLOWER,
    "RequestLimitExceeded": _SLOWER,
    "InvalidRange": _CHANGED,
    "PreconditionFailed": _CHANGED,
    # Azure
    "AuthenticationFailed": Meaning(
        AccessDenied, "the credentials are not accepted, or have expired", "correct or renew those of {connection}"
    ),
    "PublicAccessNotPermitted": _NOT_PUBLIC,
    "NoAuthenticationInformation": _NOT_PUBLIC,
    "ContainerNotFound": Meaning(SourceItemMissing, "there is no such container", "correct 'container' in the source"),
    "BlobNotFound": _ITEM_GONE,
    "BlobArchived": _ARCHIVED,
    "ConditionNotMet": _CHANGED,
    "ServerBusy": _SLOWER,
}

STATUSES: dict[int, Meaning] = {
    HTTPStatus.MOVED_PERMANENTLY: _REGION,
    HTTPStatus.UNAUTHORIZED: Meaning(AccessDenied, "the credentials are not accepted", "correct those of {connection}"),
    HTTPStatus.FORBIDDEN: Meaning(
        AccessDenied, "access is denied", "check what the credentials of {connection} may do there"
    ),
    HTTPStatus.NOT_FOUND: _ITEM_GONE,
    HTTPStatus.PRECONDITION_FAILED: _CHANGED,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: _CHANGED,
    HTTPStatus.TOO_MANY_REQUESTS: _SLOWER,
    HTTPStatus.REQUEST_TIMEOUT: _DOWN,
}

# What the client says where no answer came, in the order in which it is looked for.
SILENCES: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (
        re.compile(r"External \w+ credential provider"),
        Meaning(AccessDenied, "the credentials cannot be used", "correct those of {connection}"),
    ),
    (re.compile(r"redirect without LOCATION"), _REGION),
    (
        re.compile(r"UnknownIssuer|CaUsedAsEndEntity"),
        Meaning(
            ConfigError,
            "the server's certificate is not trusted",
            "name the authority that signed it as 'ca_file' in the extra of {connection}; it is always checked",
        ),
    ),
    (
        re.compile(r"InvalidCertificate"),
        Meaning(
            ConfigError,
            "the server's certificate is not valid, or for another host name",
            "have the server's certificate renewed, or correct the host; it is always checked",
        ),
    ),
    (
        re.compile(r"ProtocolVersion|PeerIncompatible|HandshakeFailure"),
        Meaning(ConfigError, "the server speaks no TLS that is accepted here", "ask for TLS 1.3"),
    ),
    (
        re.compile(r"timed out|TimedOut"),
        Meaning(
            SourceUnavailable,
            "no answer in time",
            "try later; if the service always needs longer, raise limits.requestTimeout",
        ),
    ),
    (
        re.compile(r"error decoding|IncompleteBody|IncompleteMessage|UnexpectedEof|[cC]onnection ?[rR]eset"),
        Meaning(SourceUnavailable, "the transfer was cut", "try later"),
    ),
)
_NO_ANSWER = Meaning(SourceUnavailable, "the connection fails", "check the endpoint, and whether the service is up")


def translated(text: str, *, what: str, connection: str) -> FinportError | None:
    """The error that an answer stands for; None where no answer came, and `silence` has to say why.

    Args:
        text: obstore's message.
        what: Source and request, e.g. `prices: listing bucket 'prices' at s3.amazonaws.com`.
        connection: Whose credentials were used.
    """
    found, code = _STATUS.search(text), _CODE.search(text)
    if code and code[1] in CODES:
        return CODES[code[1]].error(what, connection)
    if not found:
        return None
    status = int(found[1])
    if "token request" in _URL.sub("", text) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return AccessDenied(f"{what}: no token is given for the credentials.", hint=f"correct those of {connection}")
    if status in STATUSES:
        return STATUSES[status].error(what, connection)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _DOWN.error(what, connection)
    reason = f" ({code[1]})" if code else ""
    return ConfigError(f"{what}: the request is refused, status {status}{reason}.", hint="check the source's options")


def silence(text: str, *, what: str, connection: str) -> FinportError:
    """The error where no answer came."""
    # A key may be called anything: what it is called says nothing.
    words = _URL.sub("", text)
    for sign, meaning in SILENCES:
        if sign.search(words):
            return meaning.error(what, connection)
    return _NO_ANSWER.error(what, connection)
