"""What a format does: give the records of a landed part as texts exactly as delivered, or as typed columns.

A format is one class with `Options` (a FormatOptions with `format: Literal[...]`), made as `Class(options)`, that fits
Format. Nothing is guessed by a reader: identifiers keep their zeros, decimals stay texts, `NA` is data. Types are the
business of infer.py and cast.py. The modules of `formats/` import their parsers inside the methods, since documents are
parsed with their `Options` only.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.files import local_path
from finport_ingestion.engine.limits import ReadLimits

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

    from finport_ingestion.engine.convert.evidence import Look


class Origin(StrEnum):
    """What a text was in the document: it decides which types may be read out of it."""

    FIELD = "field"  # of a format without types: CSV
    STRING = "string"  # a string of a typed document: its author says that it is text
    NUMBER = "number"
    BOOLEAN = "boolean"
    NESTED = "nested"  # a list or an object, as its JSON text


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """A landed part, or a member of one that was unpacked, for a reader."""

    path: UPath
    uri: str  # relative to the places, for messages; a member is `<uri>!<name in the archive>`
    size_bytes: int
    may_be_empty: bool = False  # the policy takes a file without records
    name: str = ""  # the file's own name, as delivered; by default the last segment of `uri`
    limits: ReadLimits = field(default_factory=ReadLimits)

    @property
    def file_name(self) -> str:
        return self.name or PurePosixPath(self.uri).name

    def open(self) -> BinaryIO:
        """The bytes, from the first one; the caller closes it."""
        return self.path.open("rb")

    @contextlib.contextmanager
    def local(self) -> Iterator[Path]:
        """A file of this machine, for libraries that take nothing else; a temporary copy where it lies elsewhere."""
        here = local_path(self.path)
        if here is not None:
            yield here
            return
        with tempfile.TemporaryDirectory(prefix="finport-") as folder:
            copy = Path(folder) / "part"
            with self.open() as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            yield copy

    def refuse_if_larger_than_memory(self) -> None:
        """Of a format that is held as a whole.

        Raises:
            FormatError: It is larger than the limit.
        """
        if self.size_bytes > self.limits.whole_file_bytes:
            raise FormatError(
                f"{self.uri}: {self.size_bytes} bytes, of a format that is held in memory as a whole; "
                f"the limit is {self.limits.whole_file_bytes}.",
                hint="raise 'wholeFileBytes' of the policy's 'reading', or ask for smaller files",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The beginning of a file, by which its format is recognised."""

    content: bytes  # up to 64 kB
    text: str  # the same as text, in its own encoding; empty where it is binary
    whole: bool  # the file ends here
    name: str = ""  # of the file; a format looks at it only to tell twins apart


@dataclass(frozen=True, slots=True)
class Likeness:
    """How sure a look at the beginning makes it."""

    confidence: float  # above 0; 1 is a signature that no other format has
    reason: str  # for a person: "begins with PAR1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """A record that cannot be read; the others go on.

    Where records stand in a unit that has a total of its own (a statement, a batch), the unit is the record.
    """

    row: int  # 1-based record number in its table of the part
    rule: str  # e.g. "field_count"
    reason: str  # for a person, with its place (line and byte, sheet and cell, XPath, tag); holds no value
    text: str  # as delivered
    column: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some records of one table of a part, in order.

    `columns` has unique names that identify a column in its part. From a text format every column is string; from a
    typed one it is what the file says. `origins` is stated by formats that know more than FIELD. `types` is stated by
    formats that define their columns (an amount of MT940 is a decimal, its reference is text): such a column is of that
    type in every file, empty or not, and what does not fit is set aside.
    """

    columns: pa.RecordBatch
    rows: pa.Int64Array  # 1-based record number in its table of the part, for each row of `columns`
    table: str = ""  # the table's name, where a file holds several
    bad: tuple[BadRecord, ...] = ()
    origins: Mapping[str, frozenset[Origin]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)  # logical types, by column
    originals: Mapping[str, str] = field(default_factory=dict)  # name as delivered, where it differs
    size_bytes: int = 0  # of the part, that this batch was read from
    notes: tuple[str, ...] = ()  # sentences about the part that need nobody's attention
    warnings: tuple[str, ...] = ()  # sentences about the part that a person should look at
    facts: Mapping[str, str] = field(default_factory=dict)  # of the part: "encoding", "delimiter" ...
    looked: Mapping[str, Look] = field(default_factory=dict)  # by column: what `prepare` found, see ReadsAhead


class Prepare(Protocol):
    """Looks at columns of texts in whatever thread has them; what it finds travels with the batch."""

    def __call__(
        self, columns: pa.RecordBatch, origins: Mapping[str, frozenset[Origin]] | None = None
    ) -> Mapping[str, Look]:
        """By column, what its texts are; `origins` as in Batch."""
        ...


class Reader(Protocol):
    """Gives the records of files of one format."""

    typed: bool
    """Whether batches carry types of their own."""
    whole_file: bool
    """Whether the file is held in memory as a whole while it is read; it then has a size limit."""
    isolated: bool
    """Whether a native library that may crash on bad bytes does the reading: it then runs in a process of its own."""
    main_table: str
    """The table that a Source gets where it names none; empty for the first one."""

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """The records of `raw`, in order, in batches of bounded size.

        A table without records is given as one batch of no rows, so that its columns are known.

        Raises:
            FormatError: The bytes are not of this format, with place and fix.
        """
        ...

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """Some records of the beginning, middle and end, out of about `size_bytes` each. Row numbers mean nothing.

        A format that is read as a whole may give everything.
        """
        ...


class Format(Reader, Protocol):
    """One format, as the registry knows it."""

    Options: Any
    suffixes: tuple[str, ...]
    """File name endings that say so, e.g. ".csv"."""
    media_types: tuple[str, ...]

    def __init__(self, options: Any) -> None: ...

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        """How much the first bytes of a file look like this format; None where they do not at all."""
        ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A reader that can use several threads."""

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """The same batches as `read` gives, in the same order, parsed and prepared by `threads` threads.

        A batch that carries `looked` for a column has been looked at; a reader may then give that column typed already.
        """
        ...


def read_ahead(reader: Reader, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
    """The records of `raw`, read by several threads where the reader knows how."""
    if isinstance(reader, ReadsAhead):
        return reader.read_ahead(raw, prepare=prepare, threads=threads)
    return reader.read(raw)


@runtime_checkable
class ReadsColumns(Protocol):
    """A reader that can leave columns out."""

    def read_columns(self, raw: RawFile, columns: frozenset[str], *, threads: int) -> Iterator[Batch]:
        """The same batches as `read` gives, with these columns only."""
        ...


def columns_reader(reader: Reader) -> ReadsColumns | None:
    """`reader`, if it, and what it may stand around (its `inner`), can leave columns out."""
    inner = getattr(reader, "inner", None)
    if inner is not None and columns_reader(inner) is None:
        return None
    return reader if isinstance(reader, ReadsColumns) else None
