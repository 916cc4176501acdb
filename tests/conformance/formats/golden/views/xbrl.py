"""XBRL: the golden table is the facts of the instance, by local name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_OURS = {"concept": "name", "contextRef": "context_id", "unitRef": "unit_id"}


class XbrlView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        facts = ours.table("facts")
        return {name: facts.column(_OURS.get(name, name)) for name in golden.names}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        for name in ("facts", "contexts", "units"):
            yield name, wanted[name], ours.table(name).rows

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """Every fact has its context, and the context's parts beside it."""
        contexts = {row["context_id"]: row for row in ours.table("contexts").rows_as_dicts()}
        for row in ours.table("facts").rows_as_dicts():
            context = contexts[row["context_id"]]
            for name in ("entity", "period_type", "period_start", "period_end", "dimensions"):
                if row[name] != context[name]:
                    yield f"fact {row['concept']}: {name} is {row[name]!r}, not {context[name]!r} as in its context"
