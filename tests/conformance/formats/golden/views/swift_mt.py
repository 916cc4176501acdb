"""SWIFT MT: a golden row is a message, its columns headers and the first field of each tag in the text block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_HEADERS = {"block1": "block1", "io": "direction", "mt": "message_type"}
_VALUE = re.compile(r"(\d{6})([A-Z]{3})([\d,]+)")


class SwiftMtView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        messages = ours.table("messages")
        first = _first(ours)
        columns = {name: messages.column(header) for name, header in _HEADERS.items()}
        tags = [name for name in golden.names if name not in columns]
        return columns | {tag: [first.get((message, tag)) for message in messages.column("message")] for tag in tags}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        yield "blocks", wanted["blocks"], ours.table("messages").rows

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """The columns of fields hold what the fields hold, and the typed ones what 32A packs."""
        first = _first(ours)
        for row in ours.table("messages").rows_as_dicts():
            for name, value in row.items():
                tag = name.removeprefix("field_")
                if tag != name and name != "field_count" and value != first.get((row["message"], tag)):
                    yield f"message {row['message']}, {name} is {value!r}, not {first.get((row['message'], tag))!r}"
            packed = _VALUE.match(row.get("field_32A") or "")
            typed = (row["value_date"], row["currency"], row["amount"])
            if packed and typed != _unpacked(packed, typed[0]):
                yield f"message {row['message']}: 32A {packed[0]} is typed as {typed}"


def _first(ours: Converted) -> dict[tuple[int, str], str]:
    first: dict[tuple[int, str], str] = {}
    for field in ours.table("fields").rows_as_dicts():
        if field["block"] == "4":
            first.setdefault((field["message"], field["tag"]), field["value"])
    return first


def _unpacked(packed: re.Match[str], day: Any) -> tuple[Any, ...]:
    written = day is not None and day.strftime("%y%m%d") == packed[1]
    return day if written else packed[1], packed[2], Decimal(packed[3].replace(",", "."))
