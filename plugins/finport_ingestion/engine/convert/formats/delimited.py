"""Text with delimiters: CSV, TSV, PSV.

```yaml
convert: {format: csv, delimiter: ";", decimalComma: true}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import FormatOptions


class DelimitedOptions(FormatOptions):
    """The dialect; what is not stated is found out from the bytes."""

    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; detected by default.")
    header: bool = Field(default=True, description="The first row names the columns.")
    columns: tuple[str, ...] = Field(default=(), description="Names of the columns of a file without header.")
    skip_rows: int = Field(default=0, ge=0, description="Lines before the header.")
    quote: str = Field(default='"', max_length=1, description="The quoting character; empty for none.")
    null_values: tuple[str, ...] = Field(default=("",), description="Texts that mean 'no value'.")
    decimal_comma: bool = Field(default=False, description="1.234,50 instead of 1,234.50.")


class CsvOptions(DelimitedOptions):
    """Comma-separated by default."""

    format: Literal["csv"]
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Between fields.")


class TsvOptions(DelimitedOptions):
    """Separated by tabs."""

    format: Literal["tsv"]


class PsvOptions(DelimitedOptions):
    """Separated by vertical bars."""

    format: Literal["psv"]


class CsvFormat:
    """See the module."""

    Options = CsvOptions


class TsvFormat:
    """CSV with tabs."""

    Options = TsvOptions


class PsvFormat:
    """CSV with vertical bars."""

    Options = PsvOptions
