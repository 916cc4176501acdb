"""Text whose columns stand at fixed positions.

```yaml
convert:
  format: fixed_width
  columns:
    - {name: routing, start: 0, length: 9}
    - {name: bank, start: 9, length: 36}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.convert.reading.layout_rules import check_layout
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import FormatOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.fixed_layout import Layout

_LINES = 200
_LEAST_LINES = 10
_PREAMBLE = 20
_LEAST_WIDTH = 20


class FixedColumn(Spec):
    """One column of a layout."""

    name: str = Field(min_length=1, description="Name of the column.")
    start: int = Field(ge=0, description="Characters before the column; its first position where `countFrom` is 1.")
    length: int = Field(gt=0, description="Characters of the column.")


class FixedWidthOptions(FormatOptions):
    """The layout, which nobody can see in the bytes."""

    format: Literal["fixed_width"]
    columns: tuple[FixedColumn, ...] = Field(default=(), description="Where each column stands.")
    count_from: Literal[0, 1] = Field(
        default=0, description="The position of a line's first character in the layout; published ones often say 1."
    )
    unit: Literal["characters", "bytes"] = Field(
        default="characters", description="What positions count; they differ in encodings such as utf-8 and shift_jis."
    )
    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; detected by default.")
    header: bool = Field(default=False, description="The first line (behind `skipRows`) names the columns; left out.")
    skip_rows: int = Field(
        default=0, ge=0, description="Lines before the header or the first record; where it is not stated, found out."
    )
    record_length: int | None = Field(default=None, gt=0, description="Of a file that has no line ends.")
    trim: Literal["both", "left", "right", "none"] = Field(
        default="both", description="On which side blanks are no part of a value."
    )
    null_values: tuple[str, ...] = Field(default=("",), description="Texts that mean 'no value', after trimming.")
    decimal_comma: bool = Field(default=False, description="1.234,50 instead of 1,234.50.")
    date_order: Literal["dmy", "mdy"] | None = Field(
        default=None, description="How 01/02/2024 is to be read; a column where both fit stays text otherwise."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_layout(self.columns, count_from=self.count_from, record_length=self.record_length)
        return self


class FixedWidthFormat:
    """See the module."""

    Options = FixedWidthOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".fwf", ".fixed")
    media_types = ("text/x-fixed-width",)

    def __init__(self, options: FixedWidthOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        lines = head.text.splitlines()[:_LINES]
        # The last one may be cut.
        lines = lines[:-1] if len(lines) > 1 and not head.text.endswith(("\n", "\r")) else lines
        width = len(lines[-1]) if lines else 0
        first = next((at for at, line in enumerate(lines) if len(line) == width), 0)
        # What stands above may be a preamble.
        lines = lines[first:] if first <= _PREAMBLE else lines
        alike = [line for line in lines if len(line) == width]
        if width < _LEAST_WIDTH or len(alike) < max(_LEAST_LINES, 0.8 * len(lines)) or _is_delimited(alike):
            return None
        if sum("  " in line.rstrip() or line.endswith("  ") for line in alike) < 0.9 * len(alike):
            return None
        return Likeness(0.7, f"lines of {width} characters each, with blanks between and no delimiter")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fixed_width import read_fixed_width
        from finport_ingestion.engine.convert.reading.footer import without_footers

        def read() -> Iterator[Batch]:
            return read_fixed_width(raw, self._layout())

        return without_footers(read(), delimiter=lambda: " ", reread=read)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fixed_width import read_ahead, read_fixed_width
        from finport_ingestion.engine.convert.reading.footer import without_footers

        ahead = read_ahead(raw, self._layout(), prepare=prepare, threads=threads)
        return without_footers(ahead, delimiter=lambda: " ", reread=lambda: read_fixed_width(raw, self._layout()))

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fixed_width import sample_fixed_width

        return sample_fixed_width(raw, self._layout(), size_bytes=size_bytes)

    def _layout(self) -> Layout:
        from finport_ingestion.engine.convert.reading.fixed_layout import Layout, Place

        stated, first = self.options, self.options.count_from
        return Layout(
            places=tuple(Place(c.name, c.start - first, c.start - first + c.length) for c in stated.columns),
            header=stated.header,
            skip_lines=stated.skip_rows if {"skip_rows", "header"} & stated.model_fields_set else None,
            trim=stated.trim,
            nulls=stated.null_values,
            record_length=stated.record_length,
            encoding=stated.encoding,
            in_bytes=stated.unit == "bytes",
        )


def _is_delimited(lines: list[str]) -> bool:
    """Whether each line has as many of a delimiter as the others."""
    return any(lines[0].count(mark) and len({line.count(mark) for line in lines}) == 1 for mark in ",;|\t")
