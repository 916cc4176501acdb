"""MessagePack: one array of maps, or maps one after another. Typed as it stands.

Integers, binary floats, text, binary and timestamps (to the nanosecond) keep their types; a column whose values are of
different kinds is kept as text.

```yaml
convert: {format: msgpack}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_NAMED = 2


class MsgpackOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["msgpack"]


class MsgpackFormat:
    """See the module."""

    Options = MsgpackOptions
    typed = True
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".msgpack", ".mpk", ".mp")
    media_types = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")

    def __init__(self, options: MsgpackOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        first = head.content[:1]
        if not first or not (0x80 <= first[0] <= 0x9F or 0xDC <= first[0] <= 0xDF):
            return None
        found = _first_records(head.content)
        if found and all(isinstance(record, dict) and _has_names(record) for record in found):
            return Likeness(0.97 if len(found) >= _NAMED else 0.9, "maps of MessagePack")
        if PurePosixPath(head.name).suffix.lower() in cls.suffixes:
            # Rows without names, keys that are no text: too little by themselves.
            return Likeness(0.6, "begins as an array or a map of MessagePack")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.msgpack_records import read_msgpack

        return read_msgpack(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.msgpack_records import read_msgpack

        return read_msgpack(raw, only_sample=True)


def _first_records(content: bytes) -> list[Any]:
    """Up to two records that are whole in `content`; none where it is no MessagePack."""
    import msgpack

    from finport_ingestion.engine.convert.reading.msgpack_stream import array_header

    count, header = array_header(content[:5])
    most = len(content)
    unpacker = msgpack.Unpacker(strict_map_key=False, max_array_len=most, max_map_len=most, timestamp=0)
    unpacker.feed(content[header:] if count is not None else content)
    found: list[Any] = []
    try:
        while len(found) < (_NAMED if count is None else min(count, _NAMED)):
            found.append(unpacker.unpack())
    except msgpack.OutOfData:
        return found
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError):
        return []  # TypeError: a list or a map is the key of a map
    return found


def _has_names(record: dict[Any, Any]) -> bool:
    return bool(record) and all(isinstance(name, str) and name.isprintable() for name in record)
