"""Mainframe records: EBCDIC text, zoned and packed (COMP-3) decimals, binary (COMP) numbers.

```yaml
convert:
  format: ebcdic
  codePage: cp037
  recordLength: 40
  columns:
    - {name: account, start: 0, length: 12}
    - {name: balance, start: 12, length: 7, kind: packed, scale: 2}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.reading.layout_rules import check_layout
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import FormatOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.ebcdic import Copybook

_MOST_BINARY = 8
_MOST_DIGITS = 31
_LOOKED_AT = 4096
_LEAST = 80
_RUNS = ((0xC1, 0xCA), (0xD1, 0xDA), (0xE2, 0xEA), (0x81, 0x8A), (0x91, 0x9A), (0xA2, 0xAA), (0xF0, 0xFA))
_LIKE = bytes([0x40, *(byte for start, stop in _RUNS for byte in range(start, stop))])
"""Blank, letters and digits."""


class EbcdicColumn(Spec):
    """One field of a layout."""

    name: str = Field(min_length=1, description="Name of the column.")
    start: int = Field(ge=0, description="Bytes before the field; its first position where `countFrom` is 1.")
    length: int = Field(gt=0, description="Bytes of the field.")
    kind: Literal["text", "zoned", "packed", "binary"] = Field(
        default="text", description="PIC X; PIC 9 DISPLAY; COMP-3; COMP. Identifiers of digits are best read as text."
    )
    scale: int = Field(default=0, ge=0, le=_MOST_DIGITS, description="Digits behind the implied decimal point (V).")
    signed: bool = Field(default=True, description="Whether a number may be negative (S).")
    sign: Literal["trailing", "leading", "trailing_separate", "leading_separate"] = Field(
        default="trailing", description="Where a zoned number has its sign."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        digits = 2 * self.length - 1 if self.kind == "packed" else self.length
        if self.kind == "binary" and self.length > _MOST_BINARY:
            raise ValueError(f"column '{self.name}': a binary number has at most {_MOST_BINARY} bytes")
        if self.kind in ("zoned", "packed") and digits > _MOST_DIGITS:
            raise ValueError(f"column '{self.name}': a number has at most {_MOST_DIGITS} digits")
        if self.kind == "zoned" and self.sign.endswith("_separate") and self.length == 1:
            raise ValueError(f"column '{self.name}': a sign of its own leaves no digit")
        return self


class EbcdicOptions(FormatOptions):
    """The layout, which nobody can see in the bytes: what the copybook says."""

    format: Literal["ebcdic"]
    columns: tuple[EbcdicColumn, ...] = Field(default=(), description="Where each field stands, and what it is.")
    count_from: Literal[0, 1] = Field(default=0, description="The position of a record's first byte in the layout.")
    code_page: str = Field(default="cp037", description="Of text: cp037, cp273, cp500, cp1047, cp1140 ...")
    record_length: int | None = Field(
        default=None, gt=0, description="Bytes of a record; by default up to the end of the last field."
    )
    record_format: Literal["fixed", "variable", "variable_blocked"] = Field(
        default="fixed", description="Whether a descriptor word (RDW) begins each record, and one (BDW) each block."
    )
    skip_rows: int = Field(default=0, ge=0, description="Records at the beginning that are no data.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_layout(self.columns, count_from=self.count_from, record_length=self.record_length)
        return self


class EbcdicFormat:
    """See the module."""

    Options = EbcdicOptions
    typed = True
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".ebc", ".ebcdic")
    media_types = ("application/x-ebcdic",)

    def __init__(self, options: EbcdicOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        content = head.content[:_LOOKED_AT]
        if len(content) < _LEAST:
            return None
        like, blanks = sum(map(content.count, _LIKE)), content.count(b"\x40")
        of_ascii = content.count(b" ") + content.count(b"\n")
        if like < 0.6 * len(content) or blanks < 0.02 * len(content) or of_ascii > 0.05 * len(content):
            return None
        return Likeness(0.7, "bytes that are letters, digits and blanks of EBCDIC")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.ebcdic import read_ebcdic

        return read_ebcdic(raw, self._copybook())

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.ebcdic import sample_ebcdic

        return sample_ebcdic(raw, self._copybook(), size_bytes=size_bytes)

    def _copybook(self) -> Copybook:
        from finport_ingestion.engine.convert.reading.ebcdic import Copybook
        from finport_ingestion.engine.convert.reading.ebcdic_fields import Field as Place

        stated, first = self.options, self.options.count_from
        return Copybook(
            fields=tuple(
                Place(
                    name=column.name,
                    start=column.start - first,
                    end=column.start - first + column.length,
                    kind=column.kind,
                    scale=column.scale,
                    signed=column.signed,
                    sign=column.sign,
                )
                for column in stated.columns
            ),
            code_page=stated.code_page,
            record_length=stated.record_length,
            record_format=stated.record_format,
            skip_records=stated.skip_rows,
        )
