"""What a format does: give the records of a landed part as texts exactly as delivered, or as typed columns.

A format is one class with `Options` (a FormatOptions with `format: Literal[...]`), made as `Class(options)`, that fits
Reader. Nothing is guessed by a reader: identifiers keep their zeros, decimals stay texts, `NA` is data. Types are the
business of infer.py and cast.py. The modules of `formats/` import their parsers inside the methods, since documents are
parsed with their `Options` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath


class Origin(StrEnum):
    """What a text was in the document: it decides which types may be read out of it."""

    FIELD = "field"  # of a format without types: CSV
    STRING = "string"  # a string of a typed document: its author says that it is text
    NUMBER = "number"
    BOOLEAN = "boolean"
    NESTED = "nested"  # a list or an object, as its JSON text


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """A landed part, for a reader."""

    path: UPath
    uri: str  # relative to the places, for messages
    size_bytes: int
    may_be_empty: bool = False  # the policy takes a file without records


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """A record that cannot be read; the others go on."""

    row: int  # 1-based record number in the part
    rule: str  # e.g. "field_count"
    reason: str  # for a person, with line and byte offset; holds no value
    text: str  # as delivered
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some records of a part, in order.

    `columns` has unique names that identify a column in its part. From a text format every column is string; from a
    typed one it is what the file says. `origins` is stated by formats that know more than FIELD.
    """

    columns: pa.RecordBatch
    rows: pa.Int64Array  # 1-based record number in the part, for each row of `columns`
    bad: tuple[BadRecord, ...] = ()
    origins: Mapping[str, frozenset[Origin]] = field(default_factory=dict)
    originals: Mapping[str, str] = field(default_factory=dict)  # name as delivered, where it differs
    size_bytes: int = 0  # of the part, that this batch was read from
    notes: tuple[str, ...] = ()  # sentences about the part, e.g. its detected encoding


class Reader(Protocol):
    """One format."""

    Options: Any
    typed: bool
    """Whether batches carry types of their own."""
    suffixes: tuple[str, ...]
    """File name endings that say so, e.g. ".csv"."""
    media_types: tuple[str, ...]

    def __init__(self, options: Any) -> None: ...

    @classmethod
    def recognises(cls, head: bytes) -> float:
        """How sure the first bytes of a file make it: 0 (not this format) to 1 (a signature that no other has)."""
        ...

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """The records of `raw`, in order, in batches of bounded size.

        Raises:
            FormatError: The bytes are not of this format, with place and fix.
        """
        ...

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """Some records of the beginning, middle and end, out of about `size_bytes` each. Row numbers mean nothing."""
        ...
