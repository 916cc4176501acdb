"""Fedwire funds messages in FAIM tags: `{1500}`, `{2000}` ...

```yaml
convert: {format: fedwire}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_TAG = re.compile(r"\{(\d{4})\}")
_OPENING = frozenset({"1100", "1110", "1120", "1130", "1500", "1510", "1520"})
_KNOWN = frozenset({"1510", "1520", "2000", "3100", "3400", "3600"})
_ENOUGH = 3


class FedwireOptions(FormatOptions):
    """Nothing to choose but the encoding."""

    format: Literal["fedwire"]
    encoding: str | None = Field(default=None, description="e.g. cp1252; detected by default.")


class FedwireFormat:
    """See the module."""

    Options = FedwireOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "messages"
    suffixes = (".fedwire", ".faim")
    media_types = ("application/x-fedwire",)

    def __init__(self, options: FedwireOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        first = _TAG.match(head.text.lstrip())
        if first is None:
            return None
        if first.group(1) not in _OPENING:
            known = set(_TAG.findall(head.text[:4096])) & _KNOWN
            return Likeness(0.9, "has tags of Fedwire") if len(known) >= _ENOUGH else None
        if set(_TAG.findall(head.text[:4096])) & (_KNOWN - {first.group(1)}):
            return Likeness(0.98, f"begins with tag {{{first.group(1)}}} of Fedwire, and others follow")
        return Likeness(0.8, f"begins with tag {{{first.group(1)}}}")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.fedwire import read_fedwire

        return read_fedwire(raw, encoding=self.options.encoding)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
