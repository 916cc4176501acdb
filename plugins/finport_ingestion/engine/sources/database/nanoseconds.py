"""Times that Python's own would cut at microseconds, out of the text of a database."""

from __future__ import annotations

from datetime import UTC, datetime, time

_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_moment(text: str) -> int:
    """Nanoseconds since 1970 of `2024-01-02 03:04:05.123456789`, which has no zone or is in UTC (`+00:00`).

    Raises:
        ValueError: It is not written like that.
    """
    whole, fraction = _split(text.removesuffix("+00:00").rstrip())
    since = datetime.fromisoformat(whole).replace(tzinfo=UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + fraction


def of_time(text: str) -> int:
    """Nanoseconds since midnight of `03:04:05.123456789`. Raises ValueError where it is not written like that."""
    whole, fraction = _split(text)
    since = time.fromisoformat(whole)
    return ((since.hour * 60 + since.minute) * 60 + since.second) * _SECOND + fraction


def _split(text: str) -> tuple[str, int]:
    whole, _, fraction = text.partition(".")
    if len(fraction) > 9:
        raise ValueError("finer than a nanosecond")
    return whole, int(fraction.ljust(9, "0"))
