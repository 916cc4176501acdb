"""Entries of a stream: a table with a row each, in the order in which they were added.

Redis counts what was ever added to a stream. With the last id, that number is remembered as the place of a source: so
entries that were trimmed before they were read are seen, however the stream was trimmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgpack
import redis

from finport_ingestion.engine.errors import FormatError, PermanentError, SourceItemChanged
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.records import POSITIONS, SourceItem, Watermark
from finport_ingestion.engine.sources.found.cells import Cell
from finport_ingestion.engine.sources.redis_values.entry_id import ZERO, EntryId

ID, AT = "entry_id", "entry_at"
COLUMNS = {ID: LogicalType("text"), AT: LogicalType("timestamp", time_zone="UTC")}
"""What every stream has."""
_FIRST, _UNTIL, _ADDED, _LAST = "first", "until", "added", "last"
_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNow:
    """What the server says of a stream, at one moment."""

    length: int
    first: EntryId | None  # None: it holds nothing now
    until: EntryId  # of the last entry that it holds
    last: EntryId  # the highest that it ever gave: whatever comes has a higher one
    added: int | None  # how many entries ever; None before Redis 7, which does not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a stream has been read."""

    last: EntryId
    added: int | None

    def watermark(self) -> Watermark:
        """As it is remembered."""
        return Watermark(field=ID, value=json.dumps({"id": str(self.last), "added": self.added}), type=POSITIONS)

    @staticmethod
    def of(watermark: Watermark) -> Place:
        """What `watermark` wrote."""
        value = json.loads(watermark.value)
        return Place(last=EntryId.of(value["id"]), added=value["added"])


class Stream:
    """One stream over one client."""

    def __init__(self, client: redis.Redis, name: str, *, what: str) -> None:
        self._client: Any = client
        self._name = name
        self._what = what

    def now(self) -> StreamNow | None:
        """None where there is no such stream."""
        if not self._client.exists(self._name):
            return None
        found = {_text(name): value for name, value in self._client.xinfo_stream(self._name).items()}
        first, end = (found[f"{which}-entry"] for which in ("first", "last"))
        last = EntryId.of(found["last-generated-id"])
        added = found.get("entries-added")
        return StreamNow(
            length=int(found["length"]),
            first=EntryId.of(first[0]) if first else None,
            until=EntryId.of(end[0]) if end else last,
            last=last,
            added=None if added is None else int(added),
        )

    def item(self, place: Place | None, start: str, *, gaps: Literal["fail", "skip"]) -> SourceItem | None:
        """What it holds behind a place; None where that is nothing.

        Raises:
            PermanentError: Entries behind the place were taken away before they were read.
            ValueError: `start` is neither an id nor a moment.
        """
        now = self.now()
        if now is None:
            return None
        if place is not None and gaps == "fail":
            self._refuse_gap(place, now)
        after = place.last if place else _beginning(start, now)
        if now.first is None or now.until <= after:
            # The first run of `latest` reads nothing, but the next one has to know from where.
            return self._item(after, after, now) if place is None and start != "earliest" else None
        return self._item(after, now.until, now)

    def entries(self, item: SourceItem) -> Iterator[bytes]:
        """The entries of an item, packed for `record_of`.

        Raises:
            SourceItemChanged: Entries were taken away since it was listed, before they were read.
        """
        if _FIRST not in item.slice:
            return
        anchor, until, count, new = item.slice[_FIRST], item.slice[_UNTIL], 0, True
        while new:
            # From the last one that was read: as long as it is there, nothing behind it was trimmed.
            page = self._client.xrange(self._name, anchor, until, count=_PAGE)
            if not page or _text(page[0][0]) != anchor:
                raise self._changed()
            new = page if count == 0 else page[1:]
            for entry in new:
                yield bytes(msgpack.packb(entry))
            count, anchor = count + len(new), _text(page[-1][0])
        if anchor != until or item.record_count not in (None, count):
            raise self._changed()

    def _item(self, after: EntryId, until: EntryId, now: StreamNow) -> SourceItem:
        part = {_LAST: str(now.last)} | ({} if now.added is None else {_ADDED: str(now.added)})
        begins = f"?after={after}" if after > ZERO else ""
        name = f"{self._name}{begins}"
        if until <= after:
            return SourceItem(id=name, record_count=0, slice=part)
        first = self._client.xrange(self._name, f"({after}", "+", count=1)
        part |= {_FIRST: _text(first[0][0]) if first else str(until), _UNTIL: str(until)}
        whole = now.first is not None and after < now.first
        return SourceItem(id=name, record_count=now.length if whole else None, slice=part)

    def _changed(self) -> SourceItemChanged:
        return SourceItemChanged(
            f"{self._what}: entries were taken away since it was listed.",
            hint="the next try lists it anew; a stream that is always trimmed is begun with 'start: latest'",
        )

    def _refuse_gap(self, place: Place, now: StreamNow) -> None:
        if place.last > now.last or (now.added is not None and place.added is not None and now.added < place.added):
            raise PermanentError(
                f"{self._what} was deleted and made anew since it was read.", hint="begin anew with 'finport reset'"
            )
        if now.first is not None and now.first <= place.last:
            return  # what is trimmed goes from the front, and the last entry that was read is still there
        if now.added is None or place.added is None:
            lost = 1 if now.last > place.last else 0
        else:
            lost = now.added - place.added - now.length
        if lost > 0:
            raise PermanentError(
                f"{self._what}: {lost} entries behind {place.last} were taken away before they were read.",
                hint="let the stream keep more, or run more often; to go on without them state 'gaps: skip'",
            )


def place_after(taken: Sequence[SourceItem]) -> Place | None:
    """Where a stream stands once its item is published."""
    if not taken:
        return None
    added = taken[0].slice.get(_ADDED)
    return Place(last=EntryId.of(taken[0].slice[_LAST]), added=None if added is None else int(added))


def _beginning(start: str, now: StreamNow) -> EntryId:
    if start in ("earliest", "latest"):
        return ZERO if start == "earliest" else now.last
    return EntryId.starting(start)


def record_of(packed: bytes, *, binary: bool, what: str) -> Mapping[str, Cell]:
    """A row; a field that an entry has more than once, or that is called as one of ours, is numbered.

    Raises:
        FormatError: A value is no text.
    """
    name, fields = msgpack.unpackb(packed)
    entry = EntryId.of(name)
    record: dict[str, Cell] = {ID: str(entry), AT: entry.moment()}
    for field, value in zip(fields[::2], fields[1::2], strict=True):
        key = unique(name_of(field), record)
        record[key] = value if binary else text_of(value, what=f"{what}, entry {entry}, field '{key}'")
    return record


def unique(name: str, taken: Mapping[str, object]) -> str:
    """The name, or the name with the first free number from 2."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def text_of(value: bytes, *, what: str) -> str:
    """A value as text.

    Raises:
        FormatError: It is none.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise FormatError(f"{what} is no text in UTF-8.", hint="read it with 'values: binary'") from None


def name_of(field: bytes) -> str:
    """A field's name; bytes that are no text stand in it as `\\xff`."""
    return field.decode("utf-8", "backslashreplace")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
