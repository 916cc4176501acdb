"""FIX: golden columns are tags, by the first of each in a message; ours are in `fields`, and typed in `messages`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.exactly import same
from tests.conformance.formats.golden.views import View


class FixView(View):
    not_of_the_data: ClassVar = {"lines": "of the log; lines without a message are no data"}

    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        messages = ours.table("messages").column("message")
        first = _first(ours, "tag")
        tags = [name for name in golden.names if name.isdecimal()]
        counts = Counter(ours.table("fields").column("message"))
        columns: dict[str, Sequence[Any]] = {
            tag: [first.get((message, int(tag))) for message in messages] for tag in tags
        }
        return columns | {"n_fields": [counts[message] for message in messages]}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        messages = ours.table("messages")
        yield "messages", wanted["messages"], messages.rows
        yield "by_msgtype", wanted["by_msgtype"], dict(Counter(messages.column("MsgType")))
        yield "valid_checksum", wanted["valid_checksum"], sum(map(bool, messages.column("checksum_ok")))
        yield "valid_bodylength", wanted["valid_bodylength"], sum(map(bool, messages.column("body_length_ok")))

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """A typed column says what its tag says, or a warning says that it does not."""
        first = _first(ours, "name")
        said = " ".join(ours.report.warnings)
        names = set(ours.table("fields").column("name"))
        for row in ours.table("messages").rows_as_dicts():
            for name, value in row.items():
                text = first.get((row["message"], name))
                told = value is None and (row.get(f"{name}Text") == text or name in said)
                if name in names and not same(text, value) and not told:
                    yield f"message {row['message']}, {name} is {value!r}, where its field says {text!r}"


def _first(ours: Converted, key: str) -> dict[tuple[int, Any], str]:
    first: dict[tuple[int, Any], str] = {}
    for field in ours.table("fields").rows_as_dicts():
        first.setdefault((field["message"], field[key]), field["value"])
    return first
