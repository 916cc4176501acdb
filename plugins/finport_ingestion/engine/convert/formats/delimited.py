"""Text with delimiters: CSV, TSV, PSV.

```yaml
convert: {format: csv, delimiter: ";", decimalComma: true}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.options import FormatOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.dialect import Dialect


class DelimitedOptions(FormatOptions):
    """The dialect; what is not stated is found out from the bytes."""

    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; detected by default.")
    header: bool | None = Field(
        default=None,
        description="Whether the first row names the columns; found out from the first records by default.",
    )
    columns: tuple[str, ...] = Field(default=(), description="Names of the columns of a file without header.")
    skip_rows: int = Field(default=0, ge=0, description="Lines before the header.")
    quote: str = Field(
        default='"',
        max_length=1,
        description="The quoting character, empty for none; where the file shows another one, or that quotes quote"
        " nothing, that is taken unless it is stated.",
    )
    null_values: tuple[str, ...] = Field(default=("",), description="Texts that mean 'no value'.")
    decimal_comma: bool = Field(default=False, description="1.234,50 instead of 1,234.50.")
    comment: str = Field(
        default="", max_length=4, description="Lines that begin with it are left out; `#` is found out."
    )
    date_order: Literal["dmy", "mdy"] | None = Field(
        default=None, description="How 01/02/2024 is to be read; a column where both fit stays text otherwise."
    )


class CsvOptions(DelimitedOptions):
    """Comma-separated by default."""

    format: Literal["csv"]
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="Between fields; a blank stands for any run of them."
    )


class TsvOptions(DelimitedOptions):
    """Separated by tabs."""

    format: Literal["tsv"]


class PsvOptions(DelimitedOptions):
    """Separated by vertical bars."""

    format: Literal["psv"]


class _Delimited(Protocol):
    dialect: Dialect


def _read(self: _Delimited, raw: RawFile) -> Iterator[Batch]:
    """Every record of `raw`, in order."""
    from finport_ingestion.engine.convert.reading.delimited import read_delimited

    return read_delimited(raw, self.dialect)


def _read_ahead(self: _Delimited, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
    """Every record of `raw`, in order, parsed by `threads` threads."""
    from finport_ingestion.engine.convert.reading.delimited import read_delimited

    return read_delimited(raw, self.dialect, prepare=prepare, threads=threads)


def _read_columns(self: _Delimited, raw: RawFile, columns: frozenset[str], *, threads: int) -> Iterator[Batch]:
    """Some columns of every record of `raw`, in order."""
    from finport_ingestion.engine.convert.reading.delimited import read_delimited

    return read_delimited(raw, self.dialect, only=columns, threads=threads)


def _sample(self: _Delimited, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning, middle and end of `raw`."""
    from finport_ingestion.engine.convert.reading.delimited import sample_delimited

    return sample_delimited(raw, self.dialect, size_bytes=size_bytes)


class CsvFormat:
    """See the module."""

    Options = CsvOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".csv", ".txt")
    media_types = ("text/csv", "application/csv", "text/plain", "text/x-csv")

    def __init__(self, options: CsvOptions) -> None:
        # A delimiter that nobody stated is found out from the file.
        self.dialect = _dialect(options, options.delimiter if "delimiter" in options.model_fields_set else "")

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading import delimited_likeness

        looks = [_likeness(head, mark) for mark in (",", ";", " ")]
        looks += [delimited_likeness.likeness_as_stated(head), delimited_likeness.likeness_of_rare(head)]
        found = [likeness for likeness in looks if likeness]
        one_column = delimited_likeness.likeness_of_one_column(head)
        return max(found, key=lambda likeness: likeness.confidence, default=one_column)

    read = _read
    read_ahead = _read_ahead
    read_columns = _read_columns
    sample = _sample


class TsvFormat:
    """CSV with tabs."""

    Options = TsvOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".tsv", ".tab")
    media_types = ("text/tab-separated-values", "text/tsv")

    def __init__(self, options: TsvOptions) -> None:
        self.dialect = _dialect(options, "\t")

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "\t")

    read = _read
    read_ahead = _read_ahead
    read_columns = _read_columns
    sample = _sample


class PsvFormat:
    """CSV with vertical bars."""

    Options = PsvOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".psv",)
    media_types = ("text/pipe-separated-values",)

    def __init__(self, options: PsvOptions) -> None:
        self.dialect = _dialect(options, "|")

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "|")

    read = _read
    read_ahead = _read_ahead
    read_columns = _read_columns
    sample = _sample


def _dialect(options: DelimitedOptions, delimiter: str) -> Dialect:
    from finport_ingestion.engine.convert.reading.dialect import Dialect

    return Dialect(
        delimiter=delimiter,
        quote=options.quote,
        quote_is_stated="quote" in options.model_fields_set,
        header=options.header,
        names=options.columns,
        skip_lines=options.skip_rows,
        nulls=options.null_values,
        encoding=options.encoding,
        comment=options.comment,
    )


def _likeness(head: Head, delimiter: str) -> Likeness | None:
    from finport_ingestion.engine.convert.reading.delimited_likeness import likeness_of

    return likeness_of(head, delimiter)
