"""NPZ: a golden table is one array; ours puts arrays of one length side by side, as columns of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View


class NpzView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        for table in ours.tables:
            if golden.name in table.data.column_names:  # one dimension
                return {golden.names[0]: table.column(golden.name)}
            if table.name == golden.name:  # two dimensions, or fields with names
                return {
                    name: table.column(found) for name, found in zip(golden.names, table.data.column_names, strict=True)
                }
        return {}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        names = {name for table in ours.tables for name in (table.name, *table.data.column_names)}
        yield "arrays", set(wanted["arrays"]), set(wanted["arrays"]) & names
