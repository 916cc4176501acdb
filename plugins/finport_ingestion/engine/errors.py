"""The one tree of errors, ordered by what happens next.

```text
FinportError(message, hint)
├── ConfigError      a document or a setting is wrong: shown at parse, never retried
├── TransientError   the world is busy: retry with backoff
├── PermanentError   retrying cannot help: fail now, tell a person
├── RecordRejected   one record is bad: quarantine it, the run goes on
└── Skipped          nothing to do, with the reason: not a failure
```
"""

from __future__ import annotations


class FinportError(Exception):
    """What went wrong, where, and in `hint` how it is put right."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Fix: {self.hint}" if self.hint else self.message


class ConfigError(FinportError):
    """A document, a connection or a setting is wrong; retrying cannot help."""


class UnknownPlugin(ConfigError):
    """A name that no registry knows, or whose library is not installed."""


class MissingConnection(ConfigError):
    """No connection of that id in Airflow, a secrets backend or the environment."""


class AddressRefused(ConfigError):
    """A host is at an address that the source may not reach: loopback, link-local or private."""


class TransientError(FinportError):
    """The world is busy; the same request may succeed later."""


class SourceUnavailable(TransientError):
    """The source does not answer, or answers that it cannot serve now."""


class SourceItemChanged(TransientError):
    """The item changed while it was read; the next try reads it whole."""


class SourceMovedOn(TransientError):
    """Another run published an increment of the same source meanwhile; the next try starts behind it."""


class RateLimited(TransientError):
    """The source asks to slow down; `retry_after_seconds` says for how long, when it does."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class QuotaUsed(RateLimited):
    """The requests of the day are used; they begin anew after `retry_after_seconds`."""


class CircuitOpen(SourceUnavailable):
    """The source has failed so often that it is left alone for `retry_after_seconds`; nothing was sent."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class StateUnavailable(TransientError):
    """The state database does not answer."""


class StorageUnavailable(TransientError):
    """A place cannot be written now: disk full, store unreachable."""


class LeaseHeld(TransientError):
    """Another run works on the same source and dataset."""


class PermanentError(FinportError):
    """Retrying cannot help: fail now and tell a person."""


class AccessDenied(PermanentError):
    """Credentials are missing, wrong or not entitled."""


class SourceItemMissing(PermanentError):
    """What the document names is not in the source."""


class ChecksumMismatch(PermanentError):
    """The bytes received are not the bytes the source says it sent."""


class FormatError(PermanentError):
    """The bytes are not of the expected format; `offset_bytes` says where, when it is known."""

    def __init__(self, message: str, *, offset_bytes: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.offset_bytes = offset_bytes


class ContractBroken(PermanentError):
    """The data departs from a contract whose mode is `freeze`."""


class QualityGateFailed(PermanentError):
    """The data is worse than the policy allows; nothing is published."""


class SchemaOutdated(PermanentError):
    """The state database is of an older (or newer) version than this package."""


class DeadlineExceeded(PermanentError):
    """The time of the step or of its workflow is used up."""


class RecordRejected(FinportError):
    """One record is bad: it goes to quarantine and the run goes on."""


class Skipped(FinportError):
    """There is nothing to do; the message says why. Not a failure."""
