"""XBRL instances: every fact with its concept, entity, period, dimensions and unit.

```yaml
convert: {format: xbrl}
```

Tables: `facts`, `contexts`, `units`, `footnotes`. The value is the text as delivered; `decimals` says how exact it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_INSTANCE = "http://www.xbrl.org/2003/instance"


class XbrlOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["xbrl"]


class XbrlFormat:
    """See the module."""

    Options = XbrlOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = "facts"
    suffixes = (".xbrl",)
    media_types = ("application/xbrl-instance+xml",)

    def __init__(self, options: XbrlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        root = root_of(head)
        if root is None or root.name != "xbrl":
            return None
        if root.namespace == _INSTANCE or _INSTANCE in head.text:
            return Likeness(1.0, "the root element of an XBRL instance")
        return Likeness(0.7, "a root element named xbrl")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.xbrl_instance import read_instance

        return read_instance(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
