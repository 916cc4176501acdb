"""Keys by pattern: each with its value, as it is at the moment when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgpack
import redis

from finport_ingestion.engine.errors import PermanentError, SourceItemChanged
from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.found.cells import Cell
from finport_ingestion.engine.sources.redis_values.stream import name_of, text_of, unique

Kind = Literal["string", "hash", "list", "set", "sortedSet"]
KEY = "key"
_SCAN_COUNT = 1_000
_PIPELINE = 200
_TYPES: dict[str, str] = {"sortedSet": "zset"}
_COMMANDS: dict[str, tuple[str, ...]] = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", "0", "-1"),
    "set": ("SMEMBERS",),
    "sortedSet": ("ZRANGE", "0", "-1", "WITHSCORES"),
}
_SHAPES: dict[str, dict[str, LogicalType]] = {
    "list": {"index": LogicalType("integer")},
    "sortedSet": {"rank": LogicalType("integer"), "score": LogicalType("float")},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyspace:
    """The keys of one kind that fit a pattern."""

    client: redis.Redis
    pattern: str
    kind: Kind
    most: int
    what: str

    def keys(self) -> list[bytes]:
        """In the order of their bytes, each once.

        A key that was there all the time is in it; one that came or went meanwhile may be.

        Raises:
            PermanentError: There are more than `maxKeys`.
        """
        found: set[bytes] = set()
        scanned = self.client.scan_iter(
            match=self.pattern, count=_SCAN_COUNT, _type=_TYPES.get(self.kind, self.kind).upper()
        )
        for key in scanned:
            found.add(key)
            if len(found) > self.most:
                raise PermanentError(
                    f"{self.what} fits more than {self.most} keys.", hint="narrow 'keys', or raise 'maxKeys'"
                )
        return sorted(found)

    def any(self) -> bool:
        """Whether there is one."""
        return next(self.client.scan_iter(match=self.pattern, count=_SCAN_COUNT), None) is not None

    def values(self) -> Iterator[bytes]:
        """Each key with its value, packed for `records_of`; keys that are gone by then are left out.

        Raises:
            SourceItemChanged: A key has become another kind of value.
        """
        keys = self.keys()
        for begin in range(0, len(keys), _PIPELINE):
            some = keys[begin : begin + _PIPELINE]
            for key, answer in zip(some, self._asked(some), strict=True):
                if isinstance(answer, redis.ResponseError):
                    raise SourceItemChanged(
                        f"{self.what}: a key has become another kind of value while it was read.",
                        hint="the next try reads all anew",
                    )
                if answer:
                    yield bytes(msgpack.packb((key, _flat(answer))))

    def _asked(self, keys: Sequence[bytes]) -> list[Any]:
        command, *rest = _COMMANDS[self.kind]
        with self.client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.execute_command(command, key, *rest)  # type: ignore[no-untyped-call]
            return pipeline.execute(raise_on_error=False)


def columns(kind: Kind, *, binary: bool) -> dict[str, LogicalType]:
    """The columns that are there in any case; a hash has its fields besides."""
    value = LogicalType("binary" if binary else "text")
    names = {"hash": (), "set": ("member",), "sortedSet": ("member",)}.get(kind, ("value",))
    return {KEY: value, **_SHAPES.get(kind, {}), **dict.fromkeys(names, value)}


def records_of(packed: bytes, kind: Kind, *, binary: bool, what: str) -> Iterator[dict[str, Cell]]:
    """The rows of one key.

    Raises:
        FormatError: A key or value is no text.
    """
    raw_key, flat = msgpack.unpackb(packed)

    def plain(value: bytes) -> Cell:
        return value if binary else text_of(value, what=f"{what}: a value or key")

    key = plain(raw_key)
    rows: dict[str, Callable[[], Iterator[dict[str, Cell]]]] = {
        "string": lambda: iter([{"value": plain(flat[0])}]),
        "hash": lambda: iter([_fields(flat, plain)]),
        "list": lambda: ({"index": at, "value": plain(value)} for at, value in enumerate(flat)),
        "set": lambda: ({"member": plain(value)} for value in sorted(flat)),
        "sortedSet": lambda: (
            {"rank": rank, "score": float(score), "member": plain(member)}
            for rank, (member, score) in enumerate(zip(flat[::2], flat[1::2], strict=True))
        ),
    }
    for row in rows[kind]():
        yield {KEY: key, **row}


def _fields(flat: Sequence[bytes], plain: Callable[[bytes], Cell]) -> dict[str, Cell]:
    record: dict[str, Cell] = {}
    for name, value in sorted(zip(flat[::2], flat[1::2], strict=True)):
        record[unique(name_of(name), {KEY: None, **record})] = plain(value)
    return record


def _flat(answer: Any) -> list[Any]:
    """What the client made of an answer, as the server sent it: a list of values."""
    if isinstance(answer, bytes):
        return [answer]
    if isinstance(answer, dict):
        return [each for pair in answer.items() for each in pair]
    if isinstance(answer, set):
        return list(answer)
    if answer and isinstance(answer[0], tuple):
        return [each for member, score in answer for each in (member, repr(float(score)))]
    return list(answer)
