"""Inline XBRL: the facts that an XHTML report shows (iXBRL, ESEF), as the same tables as an XBRL instance gives.

```yaml
convert: {format: inline_xbrl}
```

Values are what is meant, not what is seen: transformed, scaled, signed. A fact whose transformation is not known is set
aside with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_NAMESPACES = ("http://www.xbrl.org/2013/inlineXBRL", "http://www.xbrl.org/2008/inlineXBRL")


class InlineXbrlOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["inline_xbrl"]


class InlineXbrlFormat:
    """See the module."""

    Options = InlineXbrlOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = "facts"
    suffixes = (".xhtml",)
    media_types = ("application/xhtml+xml",)

    def __init__(self, options: InlineXbrlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        if not any(namespace in head.text for namespace in _NAMESPACES):
            return None
        root = root_of(head)
        if root is None or root.name != "html":
            return None
        return Likeness(1.0, "a page that declares the inline XBRL namespace")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.xbrl_inline import read_inline

        return read_inline(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
