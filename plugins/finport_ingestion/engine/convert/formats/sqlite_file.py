"""SQLite databases, table by table. The file is opened read-only, and nothing in it can run.

A column has the type that it is declared with, as far as every value agrees: `NUMERIC(10,2)` is a decimal, a DATETIME
held as text is a timestamp. Views and virtual tables are questions, not data: they are named, and not read.

```yaml
convert: {format: sqlite, table: invoices}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.sqlite_tables import Surveys


class SqliteOptions(FormatOptions):
    """Nothing to choose but the table."""

    format: Literal["sqlite"]


class SqliteFormat:
    """See the module."""

    Options = SqliteOptions
    typed = True
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".sqlite", ".sqlite3", ".db", ".db3")
    media_types = ("application/vnd.sqlite3", "application/x-sqlite3")

    def __init__(self, options: SqliteOptions) -> None:
        self.options = options

    @cached_property
    def _surveys(self) -> Surveys:
        from finport_ingestion.engine.convert.reading.sqlite_tables import Surveys

        return Surveys()

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(1.0, "begins with SQLite format 3") if head.content.startswith(b"SQLite format 3\0") else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.sqlite_tables import read_sqlite

        return read_sqlite(raw, self._surveys)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.sqlite_tables import sample_sqlite

        return sample_sqlite(raw, self._surveys)
