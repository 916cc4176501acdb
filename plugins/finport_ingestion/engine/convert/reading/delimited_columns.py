"""The columns of a delimited file: where its records begin, and what the first of them names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.names import clean_name, unique_names
from finport_ingestion.engine.convert.reading.delimited_exact import Record
from finport_ingestion.engine.convert.reading.dialect import Dialect
from finport_ingestion.engine.convert.reading.header import find_beginning, fitted
from finport_ingestion.engine.convert.reading.transcoding import visible
from finport_ingestion.engine.errors import FormatError


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The names of a file, and what was found out on the way to them."""

    names: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    by_file: bool = True  # its header gives the names
    line: int = 0  # that the data begin with
    warnings: tuple[str, ...] = ()

    @property
    def originals(self) -> Mapping[str, str]:
        """The names as delivered, of those that were changed."""
        return {name: given for name, given in zip(self.names, self.delivered, strict=True) if name != given}

    def renamed(self, uri: str) -> tuple[str, ...]:
        """What is to be said of names that the file does not have like that."""
        pairs = zip(self.names, self.delivered, strict=True)
        renamed = [name for name, given in pairs if name != clean_name(given)]
        if not renamed or not self.by_file:
            return ()
        return (f"{uri}: blank or repeated column names became {', '.join(renamed)}",)


@dataclass(frozen=True, slots=True)
class _Header:
    """The number of the first record of the table, and whether it holds the names."""

    at: int
    named: bool
    warnings: tuple[str, ...] = ()


def find_columns(records: Sequence[Record], dialect: Dialect, *, uri: str) -> Columns | None:
    """The columns that the first records show; None where there is no record yet.

    Raises:
        FormatError: The first record cannot be read, or is not as wide as the stated columns.
    """
    if not records:
        return None
    if records[0].fields is None:
        raise FormatError(
            f"{uri}: line {records[0].first_line + 1}: {records[0].reason} in the first record.",
            hint="state the 'quote' of the Format, or ask for the file again",
        )
    rows = [record.fields or [] for record in records]
    header = _find_header(rows, dialect, uri)
    first, said = records[header.at], header.warnings
    if header.named:
        names, fault = fitted(rows[header.at], rows[header.at + 1 :], delimiter=dialect.delimiter)
        said += (f"{uri}: {fault}",) if fault else ()
        delivered = [visible(name.encode("utf-8", "surrogateescape")) for name in names]
    else:
        delivered = _stated(dialect, len(rows[header.at]), uri)
    return Columns(
        names=unique_names(delivered),
        delivered=delivered,
        by_file=header.named,
        line=first.first_line + (first.line_count if header.named else 0),
        warnings=said,
    )


def _find_header(rows: list[list[str]], dialect: Dialect, uri: str) -> _Header:
    if dialect.header is not None:
        return _Header(0, dialect.header)
    if dialect.names:
        first = [name.strip().casefold() for name in rows[0]]
        return _Header(0, first == [name.casefold() for name in dialect.names])
    found = find_beginning(rows)
    skipped = 0 if dialect.skip_lines else found.skipped
    said: list[str] = []
    if skipped:
        what = "the header" if found.header else "the first record"
        lines = f"{skipped} lines of something else, which are" if skipped > 1 else "a line of something else, which is"
        said.append(f"{uri}: {what} is found below {lines} left out")
    if not found.header:
        said.append(f"{uri}: no header is found; the columns are column_1, column_2 ...")
    return _Header(skipped, found.header, tuple(said))


def _stated(dialect: Dialect, width: int, uri: str) -> list[str]:
    stated = list(dialect.names)
    if stated and len(stated) != width:
        raise FormatError(
            f"{uri}: the first record has {width} fields, but {len(stated)} columns are stated.",
            hint="state the 'columns' of the Format as the file has them, and its 'delimiter'",
        )
    return stated or [""] * width
