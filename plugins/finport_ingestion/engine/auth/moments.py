"""Times and nonces of signed requests: how they are written, and that none comes twice."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from finport_ingestion.engine.auth.interface import Request
from finport_ingestion.engine.clock import Clock
from finport_ingestion.engine.model import Spec

Unit = Literal["seconds", "milliseconds", "microseconds", "nanoseconds", "iso"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_lock = threading.Lock()
_last: dict[str, int] = {}


class TimestampOptions(Spec):
    """How the time is written; without header and parameter it is only signed."""

    unit: Unit = Field(default="seconds", description="Since 1970; `iso` is like 2024-01-02T03:04:05.678Z.")
    header: str | None = Field(default=None, description="Header that takes it.")
    parameter: str | None = Field(default=None, description="Query parameter that takes it.")


class NonceOptions(Spec):
    """What is used once: a growing number, or a random name."""

    unit: Literal["milliseconds", "microseconds", "nanoseconds", "uuid"] = Field(
        default="milliseconds", description="Of the time that the number is, at least; or `uuid`."
    )
    header: str | None = Field(default=None, description="Header that takes it.")
    parameter: str | None = Field(default=None, description="Query parameter that takes it.")
    form: str | None = Field(default=None, description="Field of the form in the body that takes it, as the first one.")

    def in_form(self, request: Request, value: str) -> Request:
        """`request` with the nonce as first field of its form."""
        field = urlencode({str(self.form): value}).encode()
        kept = [pair for pair in request.body.split(b"&") if pair and not pair.startswith(f"{self.form}=".encode())]
        headers = {name: text for name, text in request.headers.items() if name.lower() != "content-type"}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return dataclasses.replace(request, headers=headers, body=b"&".join([field, *kept]))


class Nonces:
    """Nonces of one key in this process: each greater than the one before, also when the clock is set back."""

    def __init__(self, options: NonceOptions, clock: Clock, *, key: str) -> None:
        self._unit = options.unit
        self._clock = clock
        self._name = f"{options.unit} {key}"

    def next(self) -> str:
        """The next one."""
        if self._unit == "uuid":
            return str(uuid.uuid4())
        with _lock:
            number = max(_count(self._clock.now(), self._unit), _last.get(self._name, 0) + 1)
            _last[self._name] = number
        return str(number)


def spelled(moment: datetime, unit: Unit) -> str:
    """A moment as `unit` writes it."""
    if unit == "iso":
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(_count(moment, unit))


def _count(moment: datetime, unit: str) -> int:
    microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    return microseconds * _PER_SECOND[unit] // 10**6
