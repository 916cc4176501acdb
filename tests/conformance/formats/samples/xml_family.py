"""XML by record path, FpML, SDMX-ML, SDMX-JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from tests.conformance.formats.adapters import Row, Sample

_FPML = "http://www.fpml.org/FpML-5/confirmation"
_SDMX = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"


def _elements(record: str, rows: Sequence[Row]) -> str:
    return "".join(
        f"<{record}>"
        + "".join(
            f"<{name}>{escape(text)}</{name}>" if text is not None else f"<{name}/>" for name, text in row.items()
        )
        + f"</{record}>\n"
        for row in rows
    )


def _xml(rows: Sequence[Row]) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<rows>\n{_elements("row", rows)}</rows>\n'.encode()


def _fpml(rows: Sequence[Row]) -> bytes:
    return f'<dataDocument xmlns="{_FPML}" fpmlVersion="5-10">{_elements("trade", rows)}</dataDocument>'.encode()


def _sdmx(rows: Sequence[Row]) -> bytes:
    written = "".join(
        "<Obs " + " ".join(f"{name}={_attribute(text)}" for name, text in row.items() if text is not None) + "/>\n"
        for row in rows
    )
    return (
        f'<m:StructureSpecificData xmlns:m="{_SDMX}"><m:DataSet>{written}</m:DataSet></m:StructureSpecificData>'
    ).encode()


def _attribute(text: str) -> str:
    return quoteattr(text, {"\n": "&#10;"})


def _sdmx_json(rows: Sequence[Row]) -> bytes:
    names = [name for name in rows[0] if name != "amount"]
    codes = {name: list(dict.fromkeys(row[name] for row in rows)) for name in names}
    dimensions = [{"id": name, "values": [{"id": code} for code in codes[name]]} for name in names]
    structure = {"dimensions": {"observation": dimensions}, "measures": {"observation": [{"id": "amount"}]}}
    keys = [":".join(str(codes[name].index(row[name])) for name in names) for row in rows]
    sets = [{"observations": {key: [row["amount"]] for key, row in zip(keys, rows, strict=True)}}]
    schema = "https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json"
    return json.dumps({"meta": {"schema": schema}, "data": {"structures": [structure], "dataSets": sets}}).encode()


SAMPLES = {
    "fpml": Sample(write=_fpml, suffix=".fpml", cut_is_refused=True, empty_text_is_null=True),
    "sdmx": Sample(write=_sdmx, suffix=".sdmx", cut_is_refused=True),
    "sdmx_json": Sample(write=_sdmx_json, suffix=".json", cut_is_refused=True),
    "xml": Sample(write=_xml, suffix=".xml", cut_is_refused=True, empty_text_is_null=True),
}
