"""SWIFT account statements: MT940, MT941, MT942 and MT950, bare or in FIN blocks.

```yaml
convert: {format: mt940, encoding: cp852}
```

Table `transactions` has a row a transaction, with its information to the account owner as delivered and, where that is
structured, by its parts; table `statements` has a row a statement (or page of one) with its balances. A closing
balance that does not follow from the opening one and the transactions is a warning; a statement that cannot be read is
set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.convert.reading.ahead import one_ahead
from finport_ingestion.engine.options import FormatOptions

_REFERENCE = re.compile(r"^:20:", re.MULTILINE)
_ACCOUNT = re.compile(r"^:25P?:", re.MULTILINE)
_BALANCE = re.compile(r"^:(?:6[0245][FM]?:[CD]\d{6}[A-Z]{3}\d|34F:[A-Z]{3})", re.MULTILINE)
_BLOCK = re.compile(r"\{2:[IO]([0-9]{3})")
_STATEMENTS = frozenset({"940", "941", "942", "950"})


class Mt940Options(FormatOptions):
    """How the file is written."""

    format: Literal["mt940"]
    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252, cp852; detected by default.")


class Mt940Format:
    """See the module."""

    Options = Mt940Options
    typed = False
    whole_file = False
    isolated = False
    main_table = "transactions"
    suffixes = (".sta", ".mt940", ".940", ".942", ".mt942", ".mta", ".swi")
    media_types = ("application/x-mt940", "text/x-mt940")

    def __init__(self, options: Mt940Options) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        text = head.text.replace("\r", "\n")
        if not _REFERENCE.search(text) or not _ACCOUNT.search(text):
            return None
        types = set(_BLOCK.findall(text))
        if types & _STATEMENTS:
            if types <= _STATEMENTS:
                return Likeness(1.0, "FIN blocks of account statements")
            return Likeness(0.5, "FIN blocks of account statements among others")
        if _BALANCE.search(text):
            return Likeness(0.98, "has :20:, :25: and a balance as statements have them")
        return Likeness(0.6, "has :20: and :25: as statements have them")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.swift_statement_file import read_statements

        return read_statements(raw, encoding=self.options.encoding, table=self._table)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """The next batch is made while one is used; its columns are of known types, and need no look ahead."""
        return one_ahead(self.read(raw)) if threads > 1 else self.read(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.swift_statement_file import sample_statements

        return sample_statements(raw, encoding=self.options.encoding, size_bytes=size_bytes)

    @property
    def _table(self) -> str:
        return (self.options.table or self.main_table).casefold()
