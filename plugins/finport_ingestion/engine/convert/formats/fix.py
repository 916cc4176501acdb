"""FIX messages, alone or in the lines of a log: a row a message, and a row a field.

```yaml
convert: {format: fix, table: messages}
```

Table `messages` has the tags that orders, executions, quotes and sessions use most as columns, each with its first
value in the message; table `fields` has every field of every message, as delivered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.convert.reading.ahead import one_ahead
from finport_ingestion.engine.options import FormatOptions

_SHOWN = r"\^A|[<\[{]SOH[>\]}]|\\x01|\\u0001|\\001|\W{1,3}"
_MESSAGE = re.compile(rf"8=FIXT?\.\d\.\d[A-Za-z0-9]{{0,8}}(?:{_SHOWN})9=\d")


class FixOptions(FormatOptions):
    """How the log is written."""

    format: Literal["fix"]
    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; detected by default.")


class FixFormat:
    """See the module."""

    Options = FixOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "messages"
    suffixes = (".fix",)
    media_types = ("application/fix", "text/fix")

    def __init__(self, options: FixOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        # SOH makes a log look binary, so its text may be empty.
        text = head.text or head.content.decode("latin-1")
        found = _MESSAGE.search(text)
        if found is None:
            return None
        if not text[: found.start()].strip():
            return Likeness(1.0, "begins with a FIX message")
        return Likeness(0.96, "has FIX messages in its lines")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fix_log import read_log

        return read_log(raw, encoding=self.options.encoding, table=self._table)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """The next batch is made while one is used; its columns are of known types, and need no look ahead."""
        return one_ahead(self.read(raw)) if threads > 1 else self.read(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fix_log import sample_log

        return sample_log(raw, encoding=self.options.encoding, table=self._table, size_bytes=size_bytes)

    @property
    def _table(self) -> str | None:
        return self.options.table.casefold() if self.options.table else None
