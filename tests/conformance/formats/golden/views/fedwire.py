"""Fedwire: the golden table is the tags with their texts, as ours is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_AMOUNT = "2000"


class FedwireView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        tags = ours.table("tags")
        return {"tag": tags.column("tag"), "value": tags.column("as_delivered")}

    def disagreements(self, ours: Converted) -> Iterator[str]:
        amounts = {tag["message"]: tag["value"] for tag in ours.table("tags").rows_as_dicts() if tag["tag"] == _AMOUNT}
        for row in ours.table("messages").rows_as_dicts():
            text = amounts.get(row["message"])
            if text is not None and int(text) != row["amount"].scaleb(2):
                yield f"message {row['message']}: the amount is {row['amount']}, where tag {_AMOUNT} says {text}"
