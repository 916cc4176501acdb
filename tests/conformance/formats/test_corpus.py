"""Real and hostile files against facts that independent readers found out. Skipped where the corpus is absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.records import LINEAGE_COLUMNS
from tests.unit.convert.deployment import Converted, Delivered, Deployment

CORPUS = Path(os.environ.get("FINPORT_CORPUS", Path(__file__).parents[4] / "shared" / "data"))
FORMATS = {"csv", "tsv", "psv", "json", "ndjson", "parquet"}
STATED: dict[str, dict[str, Any]] = {
    # What nobody can see in the bytes, as a Format document says it.
    "csv/hotel_revpar_semicolon_decimal_comma.csv": {"format": "csv", "decimalComma": True},
    "csv/ofac_consolidated_prim.csv": {"format": "csv", "header": False},
    "json/bank_registry_pl.json": {"format": "json", "records": "entries"},
    "json/currency_iso_nested.json": {"format": "json", "records": "values(@)"},
    "psv/sec_fails_to_deliver_202102b.txt": {"format": "psv", "nullValues": ["", "."]},
}
OTHER_VIEW = {
    "json/sec_companyfacts_snowflake.json": "its golden table is five levels of the document, exploded",
    "malformed/csv_named.xlsx": "one column of text without a name that says so: refused, not guessed",
}
KEY_COLUMNS = {"json/currency_iso_nested.json": {"_key"}}  # of the golden view only: JMESPath gives no keys
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no reference corpus at {CORPUS}")


def files() -> list[dict[str, Any]]:
    manifest = CORPUS / "manifest.json"
    if not manifest.exists():
        return []
    listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return [file for file in listed if file["format"] in FORMATS and not file.get("compression")]


def convert(file: dict[str, Any], root: Path) -> Converted:
    path = CORPUS / "data" / file["path"]
    deployment = Deployment(root, convert=STATED.get(file["path"]))
    return deployment.run(Delivered(path.read_bytes(), suffix=path.suffix))


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file["path"]))
def test_what_is_delivered_is_what_is_converted(file: dict[str, Any], tmp_path: Path) -> None:
    if file["path"] in OTHER_VIEW:
        pytest.skip(OTHER_VIEW[file["path"]])
    wanted = file["expect"]["outcome"]
    if wanted == "reject":
        with pytest.raises(FormatError):
            convert(file, tmp_path)
        return
    try:
        converted = convert(file, tmp_path)
    except FormatError:
        assert wanted == "ok_or_refuse"
        return
    assert wanted != "quarantine_rows" or converted.result.rows_quarantined > 0
    for table in (file.get("golden") or {}).get("tables", []):
        assert_golden(file, table, converted)


def assert_golden(file: dict[str, Any], golden: dict[str, Any], converted: Converted) -> None:
    if file["expect"].get("bad_rows"):
        assert converted.result.rows_read == golden["rows"]
        assert converted.result.rows_quarantined == len(file["expect"]["bad_rows"])
        return
    assert converted.table.num_rows == golden["rows"]
    table = converted.table.drop_columns(list(LINEAGE_COLUMNS))
    by_name = {name.casefold(): index for index, name in enumerate(table.column_names)}
    for place, column in enumerate(golden["columns"]):
        if "values_sha256" not in column or column["name"] in KEY_COLUMNS.get(file["path"], ()):
            continue
        said = f"{file['path']}: {column['name']}"
        wanted = {column["values_sha256"], column.get("raw_sha256")}
        same_width = table.num_columns == len(golden["columns"])
        index = place if same_width else by_name.get(str(column["name"]).strip().casefold(), place)
        assert any(digest in wanted for digest in digests(table, index)), said
        values = table.column(index).to_pylist()
        if column.get("kind") == "identifier":
            assert all(value is None or isinstance(value, str) for value in values), said
        if "sum" in column and all(isinstance(value, (int, Decimal, type(None))) for value in values):
            assert sum(Decimal(value) for value in values if value is not None) == Decimal(column["sum"]), said


def digests(table: pa.Table, index: int) -> Iterator[str]:
    """Under every spelling that the manifest's rules allow a typed value to have."""
    field = table.schema.field(index)
    values = table.column(index).to_pylist()
    canonical = [spelled(value) for value in values]
    yield digest(canonical)
    yield digest(["" if value is None else str(value) for value in values])
    yield digest([text.strip() if text != NULL else text for text in canonical])
    way = (field.metadata or {}).get(b"format", b"").decode().removesuffix("+zone").partition(":")[2]
    if way:
        for clock in ("", "T%H:%M:%S", " %H:%M:%S", " %-H:%M:%S", "T00:00:00"):
            yield digest([NULL if value is None else value.strftime(way + clock) for value in values])
    if any(isinstance(value, datetime) for value in values):
        yield digest([text.removesuffix("Z") for text in canonical])
        yield digest([text.removesuffix("Z").removesuffix("T00:00:00") for text in canonical])
    if any(isinstance(value, str) and value[:1] in "[{" for value in values):
        yield digest([NULL if value is None else spelled(from_json(value)) for value in values])
    if pa.types.is_nested(field.type):
        for maps in ("pairs", "objects", "sparse"):
            yield digest([spelled(shaped(value, field.type, maps)) for value in values])


NULL = r"\N"


def digest(texts: list[str]) -> str:
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def spelled(value: Any) -> str:
    """A cell as the manifest's canonical rule writes it."""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat()
        return (text.rstrip("0") if "." in text else text) + ("Z" if value.tzinfo else "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (list, dict)):
        return json.dumps(inner(value), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return str(value)


def number(value: float | Decimal) -> str:
    if isinstance(value, float) and value != value:
        return "NaN"
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    text = format(exact, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if exact == 0 else text


def inner(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): cell(found) for key, found in value.items()}
    return [cell(found) for found in value]


def cell(value: Any) -> str | None:
    return value if value is None or value == "" else spelled(value)


def from_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal) if text[:1] in "[{" else text


def shaped(value: Any, kind: pa.DataType, maps: str) -> Any:
    """A nested value with its maps as pairs or as objects; `sparse` leaves members without value out."""
    if value is None or not pa.types.is_nested(kind):
        return value
    if pa.types.is_map(kind):
        pairs = [(key, shaped(found, kind.item_type, maps)) for key, found in value]
        if maps == "pairs":
            return [{"key": key, "value": found} for key, found in pairs]
        return {spelled(key): found for key, found in pairs}
    if pa.types.is_struct(kind):
        members = {field.name: shaped(value[field.name], field.type, maps) for field in kind}
        return {name: found for name, found in members.items() if maps != "sparse" or found is not None}
    return [shaped(found, kind.value_type, maps) for found in value]
