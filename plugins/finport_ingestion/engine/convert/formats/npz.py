"""NumPy archives (.npz) and arrays (.npy). Pickled objects are never read.

Arrays of one dimension and one length form one table, named after the first; any other array is a table of its own: a
matrix has a column for each of its columns, more dimensions are lists. Bytes are bytes, unless `encoding` says that
they are text.

```yaml
convert: {format: npz, arrays: [date, rate]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_ZIP = b"PK\x03\x04"
_NAME_AT = 30
_SAMPLE_ROWS = 1_000


class NpzOptions(FormatOptions):
    """What is read, and how."""

    format: Literal["npz"]
    arrays: tuple[str, ...] = Field(default=(), description="Which arrays of an archive are read; all by default.")
    encoding: str | None = Field(default=None, description="Of arrays of bytes that are text, e.g. ascii.")


class NpzFormat:
    """See the module."""

    Options = NpzOptions
    typed = True
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".npz", ".npy")
    media_types = ("application/x-npz", "application/x-npy")

    def __init__(self, options: NpzOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if head.content.startswith(b"\x93NUMPY"):
            return Likeness(1.0, "begins with the signature of NumPy")
        length = int.from_bytes(head.content[26:28], "little")
        first = head.content[_NAME_AT : _NAME_AT + length]
        if head.content.startswith(_ZIP) and first.endswith(b".npy"):
            return Likeness(0.98, "a zip archive whose first member is an array")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        return self._read(raw, rows=None)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """The first rows: an array has one type, whatever its values."""
        return self._read(raw, rows=_SAMPLE_ROWS)

    def _read(self, raw: RawFile, *, rows: int | None) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.npz_arrays import Wish, read_arrays

        return read_arrays(raw, Wish(arrays=self.options.arrays, encoding=self.options.encoding, rows=rows))
