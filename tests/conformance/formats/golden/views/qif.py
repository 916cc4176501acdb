"""QIF: the golden table is every record by the letters of its lines, as `records` is; the others are typed from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_TYPED = {
    "transactions": {
        "amount": "T",
        "date_as_delivered": "D",
        "payee": "P",
        "memo": "M",
        "category": "L",
        "number": "N",
    },
    "investments": {"price": "I", "quantity": "Q", "date_as_delivered": "D", "action": "N", "security": "Y"},
    "categories": {"name": "N", "description": "D"},
    "securities": {"name": "N", "symbol": "S", "type": "T", "goal": "G"},
}


class QifView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        records = ours.table("records")
        return {name: [_lists(text) for text in records.column(name)] for name in golden.names}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        yield "by_section", wanted["by_section"], dict(Counter(ours.table("records").column("section")))

    def disagreements(self, ours: Converted) -> Iterator[str]:
        records = {row["record"]: row for row in ours.table("records").rows_as_dicts()}
        for name, columns in _TYPED.items():
            for row in ours.table(name).rows_as_dicts():
                for column, letter in columns.items():
                    text = _own(records[row["record"]][letter])
                    if not _says(text, row[column]):
                        yield f"{name}, record {row['record']}: {column} is {row[column]!r}, where {letter} is {text!r}"


def _lists(text: str | None) -> Any:
    """A letter that a record repeats holds the list of its texts."""
    return json.loads(text) if text is not None and text.startswith('["') else text


def _own(text: str | None) -> str | None:
    """The first text of a letter that repeats is the record's, the others are of its splits."""
    found = _lists(text)
    return found[0] if isinstance(found, list) else text


def _says(text: str | None, value: Any) -> bool:
    if isinstance(value, Decimal):
        return text is not None and Decimal(text.replace(",", "")) == value
    return (text or None) == (value or None)
