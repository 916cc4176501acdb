"""ISO 20022 messages: statements (camt.052, 053, 054), payments (pain.001, 008; pacs.003, 004, 008, 009) and statuses
(pain.002, pacs.002, 028), of every version.

```yaml
convert: {format: iso20022}
```

Statements give `entries`, `statements`, `balances` and `transactions`; payments give `payments`,
`payment_informations` and `messages`; status reports give `statuses` and `messages`. Amounts are as delivered, with
their direction beside them; each row also has the whole element as JSON in `raw`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_NAMESPACE = re.compile(r"[:/](?:camt\.05[234]|pain\.00[128]|pacs\.0(?:0[23489]|28))\.\d{3}\.\d{2}")
_CONTAINER = re.compile(
    r"<(?:\w+:)?(?:BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)|Cstmr(?:CdtTrfInitn|PmtStsRpt|DrctDbtInitn)"
    r"|FIToFI(?:PmtStsRpt|CstmrDrctDbt|CstmrCdtTrf|PmtStsReq)|FICdtTrf|PmtRtr)\b"
)


class Iso20022Options(FormatOptions):
    """Nothing to choose."""

    format: Literal["iso20022"]


class Iso20022Format:
    """See the module."""

    Options = Iso20022Options
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".camt", ".pain", ".pacs", ".c52", ".c53", ".c54")
    media_types = ("application/vnd.iso20022+xml",)

    def __init__(self, options: Iso20022Options) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        root = root_of(head)
        if root is None:
            return None
        found = _NAMESPACE.search(head.text)
        if found and (root.name == "Document" or _CONTAINER.search(head.text)):
            return Likeness(1.0, f"XML of the ISO 20022 namespace {found.group().strip(':/')}")
        if found:
            return Likeness(0.9, f"an envelope around the ISO 20022 namespace {found.group().strip(':/')}")
        if _CONTAINER.search(head.text):
            return Likeness(0.9, "the container of an ISO 20022 message")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.iso20022_read import read_messages

        return read_messages(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
