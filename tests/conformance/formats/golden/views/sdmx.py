"""SDMX, in XML and JSON: a golden row is an observation with the values of its dimensions by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_VALUE = "OBS_VALUE"
_VALUES = ("obs_value", "value")
_DIMENSION = "obs_dimension"


class SdmxView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        table = ours.tables[0]
        names = list(table.data.column_names)
        # The dimension at the observation is the last before its value.
        known = {_DIMENSION: names[names.index(_VALUE) - 1], **dict.fromkeys(_VALUES, _VALUE)}
        columns = {name: known.get(name, name) for name in golden.names}
        return {name: table.column(found) for name, found in columns.items() if found in names}

    def delivered(self, golden: GoldenTable, path: Path) -> Mapping[str, Sequence[str | None]]:
        if path.suffix != ".xml":
            return {}
        elements = ElementTree.parse(path).getroot().iter("{*}ObsValue")  # the corpus' own files of good form
        return {"obs_value": [element.get("value") for element in elements]}
