"""One JSON document that holds records. It is held in memory as a whole while it is read.

Without `records` they are found: the document's list; the values of an object that is keyed by data, their keys in the
column `_key`; the list of objects in an envelope, of several the one with most values (the others are told); rows of
values beside the names of their columns; columns whose values are numbered. What was found is said.

```yaml
convert: {format: json, records: data}
```

```yaml
convert:
  format: json
  records: "facts.{taxonomy}.{concept}.units.{unit}[]"
  carry: [cik, label]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_OBJECT = r'\{\s*(?:"|\}|\Z)'
_LIST = r'\[\s*(?:[\[{"\]]|(?:-?[0-9.eE+-]+|true|false|null)\s*[,\]]|\Z)'
_BEGINNING = re.compile(rf"\s*(?:{_OBJECT}|{_LIST})")


class JsonOptions(FormatOptions):
    """Where the records stand."""

    format: Literal["json"]
    records: str | None = Field(
        default=None,
        description="JMESPath of the list of records, or a path with wildcards such as `rates.{currency}.{day}`, whose "
        "names become columns; by default they are found.",
    )
    carry: tuple[str, ...] = Field(
        default=(), description="Members that stand beside a path with wildcards, as columns of its records."
    )


class JsonFormat:
    """See the module."""

    Options = JsonOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".json",)
    media_types = ("application/json", "text/json")

    def __init__(self, options: JsonOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        # Other formats begin with a brace or bracket as well: {1:F01..., {1500}..., [section].
        return Likeness(0.85, "begins as JSON") if _BEGINNING.match(head.text) else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_whole import read_document

        return read_document(raw, path=self.options.records, carry=self.options.carry)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_whole import read_document

        return read_document(raw, path=self.options.records, carry=self.options.carry, only_sample=True)
