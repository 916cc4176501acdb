"""The id of an entry of a stream: two whole numbers, the first of them a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999  # the last millisecond that a date has


@dataclass(frozen=True, slots=True, order=True)
class EntryId:
    """An id as Redis orders it."""

    milliseconds: int
    sequence: int

    @staticmethod
    def of(text: str | bytes) -> EntryId:
        """Raises ValueError where the text is no id."""
        milliseconds, _, sequence = (text.decode() if isinstance(text, bytes) else text).partition("-")
        return EntryId(int(milliseconds), int(sequence or 0))

    @staticmethod
    def starting(start: str) -> EntryId:
        """The last id before those that `start`, an id or a moment, includes. Raises ValueError."""
        if start.replace("-", "", 1).isdecimal():
            return EntryId.of(start).before()
        moment = datetime.fromisoformat(start)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return EntryId((moment - _EPOCH) // timedelta(milliseconds=1), 0).before()

    def before(self) -> EntryId:
        """The id before this one."""
        if self.sequence:
            return EntryId(self.milliseconds, self.sequence - 1)
        return EntryId(self.milliseconds - 1, (1 << 64) - 1) if self.milliseconds else ZERO

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    def moment(self) -> datetime | None:
        """When the server added it, unless whoever added it chose an id that is no time."""
        return _EPOCH + timedelta(milliseconds=self.milliseconds) if self.milliseconds <= _LATEST else None


ZERO = EntryId(0, 0)
