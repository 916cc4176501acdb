"""XML, a record an element of one path.

```yaml
convert: {format: xml, records: /ISO_4217/CcyTbl/CcyNtry}
```

Columns are the paths of the leaves below the record: `a`, `a.b`, attributes `@name` and `a.@name`, text beside children
`a.#text`. A leaf that a record has several times is a JSON list; where such lists would not tell which belongs to
which, the repeated elements stand as JSON in `a[]` too. An element without text, or of blanks only, is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.convert.reading.ahead import one_ahead
from finport_ingestion.engine.options import FormatOptions

_PROLOG = re.compile(r"\s*<(?:\?|!--|!DOCTYPE\s+(?!html\b))", re.IGNORECASE)
"""What may be longer than all that is seen of a file, so that no root element is."""
_OTHERS = ("html", "ofx", "stata_dta")  # marked up, and no XML for sure


class XmlOptions(FormatOptions):
    """Where the records are."""

    format: Literal["xml"]
    records: str | None = Field(
        default=None,
        description="Path of the record elements, e.g. /Document/Rows/Row, or their name alone. By default the element "
        "that repeats most below one parent, or what repeats around it and says as much; which one is said, and what "
        "stands in no table.",
    )


class XmlFormat:
    """See the module."""

    Options = XmlOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".xml",)
    media_types = ("application/xml", "text/xml")

    def __init__(self, options: XmlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        root = root_of(head)
        if root is None:
            hidden = not head.whole and PurePosixPath(head.name).suffix.lower() in cls.suffixes
            return Likeness(0.6, "begins as XML does") if hidden and _PROLOG.match(head.text) else None
        if root.name.lower() in _OTHERS:
            return None
        if root.declared:
            return Likeness(0.9, f"an XML declaration, and the root element '{root.name}'")
        return Likeness(0.8, f"the root element '{root.name}'")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.xml_read import read_xml

        return read_xml(raw, records=self.options.records)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """The next batch is made while one is used."""
        return one_ahead(self.read(raw)) if threads > 1 else self.read(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.xml_read import sample_xml

        return sample_xml(raw, records=self.options.records, size_bytes=size_bytes)
