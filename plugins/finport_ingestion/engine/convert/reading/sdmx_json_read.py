"""Observations of SDMX-JSON (1.0, 2.0 and the drafts before), their keys of positions decoded by the structure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, Origin, RawFile
from finport_ingestion.engine.convert.reading.json_texts import (
    Ambiguous,
    NotARecord,
    Number,
    plain_number,
    spelled,
)
from finport_ingestion.engine.convert.reading.sdmx_json_text import parsed_document
from finport_ingestion.engine.errors import FormatError

_BATCH_ROWS = 65_536
_DEFAULT_MEASURE = "OBS_VALUE"
_MOST_DIGITS = 9  # of a position


class _Broken(ValueError):
    """Where the document is not what its own structure says; the message is for a person."""


@dataclass(slots=True)
class _Structure:
    """What the positions of one structure mean."""

    dimensions: dict[str, list[dict[str, Any]]]  # by level: dataSet, series, observation
    attributes: dict[str, list[dict[str, Any]]]
    measures: list[str]

    @property
    def order(self) -> list[str]:
        """The dimensions as the key of the structure has them, where it says so."""
        every = [one for level in ("dataSet", "series", "observation") for one in self.dimensions.get(level, [])]
        placed = all(_position(one.get("keyPosition")) is not None for one in every)
        return [str(one["id"]) for one in (sorted(every, key=lambda one: int(one["keyPosition"])) if placed else every)]


@dataclass(slots=True)
class _Rows:
    """Rows of one table, in columns that are all known."""

    names: list[str]
    columns: list[list[str | None]] = field(default_factory=list)
    origins: dict[str, set[Origin]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = [[] for _ in self.names]

    def add(self, values: dict[str, str | None]) -> None:
        for name, column in zip(self.names, self.columns, strict=True):
            column.append(values.get(name))


def read_sdmx_json(raw: RawFile) -> Iterator[Batch]:
    """The observations of `raw`.

    Raises:
        FormatError: It is no SDMX-JSON data message, or contradicts its own structure.
    """
    raw.refuse_if_larger_than_memory()
    document = parsed_document(raw)
    if document is None:
        return
    inner = document.get("data")
    body: dict[str, Any] = inner if isinstance(inner, dict) else document
    try:
        sets = body.get("dataSets")
        listed = body.get("structures") or [body.get("structure")]
        if not isinstance(sets, list) or not all(isinstance(one, dict) for one in listed):
            raise _Broken("no 'dataSets' with a 'structure'")
        structures = [_structure(one) for one in listed]
        for number, found in enumerate(sets):
            yield from _batches(raw, found, number, structures)
    except (_Broken, NotARecord) as fault:
        raise FormatError(
            f"{raw.uri}: no SDMX-JSON data message: {fault}.",
            offset_bytes=0,
            hint="state 'format: json' with 'records' for other JSON, or look at what the source answered",
        ) from fault


def _structure(found: dict[str, Any]) -> _Structure:
    dimensions, attributes = found.get("dimensions"), found.get("attributes") or {}
    if isinstance(dimensions, list):
        dimensions = {"observation": dimensions}  # of the drafts
    if not isinstance(dimensions, dict) or not isinstance(attributes, dict):
        raise _Broken("a structure without 'dimensions'")
    measures = found.get("measures") or {}
    listed = measures.get("observation", []) if isinstance(measures, dict) else []
    names = [str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one]
    return _Structure(
        {level: _components(dimensions, level) for level in ("dataSet", "series", "observation")},
        {level: _components(attributes, level) for level in ("dataSet", "dimensionGroup", "series", "observation")},
        names or [_DEFAULT_MEASURE],
    )


def _components(found: dict[str, Any], level: str) -> list[dict[str, Any]]:
    listed = found.get(level) or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) and "id" in one for one in listed):
        raise _Broken(f"'{level}' of the structure is no list of components with an 'id'")
    if not all(isinstance(one.get("values") or [], list) for one in listed):
        raise _Broken(f"the values of a component of '{level}' are no list")
    return listed


def _batches(raw: RawFile, found: Any, number: int, structures: list[_Structure]) -> Iterator[Batch]:
    if not isinstance(found, dict):
        raise _Broken(f"data set {number + 1} is no object")
    at = _position(found.get("structure", Number("0")))
    if at is None or at >= len(structures):
        raise _Broken(f"data set {number + 1} names structure {found.get('structure')}, of {len(structures)}")
    structure = structures[at]
    decoder = _Decoder(structure, found)
    rows, first, shown = _Rows(decoder.names), 1, False
    warnings = _deleted(found, number)
    table = "observations" if at == 0 else f"observations_{at + 1}"
    for values in decoder.rows():
        rows.add(values)
        if len(rows.columns[0]) >= _BATCH_ROWS:
            yield _batch(rows, first, table, raw.size_bytes if not shown else 0, decoder, warnings)
            first, shown, rows, warnings = first + _BATCH_ROWS, True, _Rows(decoder.names), ()
    if rows.columns[0] or not shown:
        yield _batch(rows, first, table, raw.size_bytes if not shown else 0, decoder, warnings)


def _deleted(found: dict[str, Any], number: int) -> tuple[str, ...]:
    deleted = str(found.get("action", "")).lower() == "delete"
    return (f"data set {number + 1} says that its data are deleted",) if deleted else ()


def _batch(rows: _Rows, first: int, table: str, size: int, decoder: _Decoder, warnings: tuple[str, ...]) -> Batch:
    arrays = [pa.array(column, pa.string()) for column in rows.columns]
    return Batch(
        columns=pa.RecordBatch.from_arrays(arrays, names=rows.names),
        rows=pa.array(range(first, first + len(arrays[0])), pa.int64()),
        table=table,
        origins={name: frozenset(found) for name, found in decoder.origins.items() if found},
        types={name: "text" for name in rows.names if name not in decoder.structure.measures},
        size_bytes=size,
        warnings=warnings,
    )


class _Decoder:
    """The rows of one data set."""

    def __init__(self, structure: _Structure, found: dict[str, Any]) -> None:
        self.structure = structure
        self.found = found
        ids = [str(one["id"]) for level in structure.attributes.values() for one in level]
        self.names = list(dict.fromkeys([*structure.order, *structure.measures, *ids]))
        self.origins: dict[str, set[Origin]] = {name: set() for name in structure.measures}

    def rows(self) -> Iterator[dict[str, str | None]]:
        base = {str(one["id"]): _only(one) for one in self.structure.dimensions["dataSet"]}
        base |= self._attributes("dataSet", self.found.get("attributes"))
        series = self.found.get("series")
        if series is None:
            yield from self._observations(self.found, base)
            return
        for key, one in _members(series, "series"):
            if not isinstance(one, dict):
                raise _Broken(f"series '{key}' is no object")
            above = {**base, **self._key("series", key), **self._attributes("series", one.get("attributes"))}
            yield from self._observations(one, above)

    def _observations(self, holder: dict[str, Any], above: dict[str, str | None]) -> Iterator[dict[str, str | None]]:
        for key, one in _members(holder.get("observations") or {}, "observations"):
            values = one if isinstance(one, list) else [one]
            count = len(self.structure.measures)
            row = {**above, **self._key("observation", key)}
            for name, value in zip(self.structure.measures, values, strict=False):
                row[name] = self._measure(name, value)
            row |= self._attributes("observation", values[count:])
            yield {**self._group(row), **row}

    def _key(self, level: str, key: str) -> dict[str, str | None]:
        dimensions = self.structure.dimensions[level]
        parts = key.split(":") if dimensions else []
        if len(parts) != len(dimensions):
            raise _Broken(f"key '{key}' has {len(parts)} positions, the structure {len(dimensions)} dimensions")
        return {str(one["id"]): _coded(one, part, key) for one, part in zip(dimensions, parts, strict=True)}

    def _attributes(self, level: str, values: Any) -> dict[str, str | None]:
        components: Sequence[dict[str, Any]] = self.structure.attributes[level]
        if not isinstance(values, list):
            return {}
        if level == "series" and len(values) > len(components):
            components = [*components, *self.structure.attributes["dimensionGroup"]]
        return {str(one["id"]): _attribute(one, value) for one, value in zip(components, values, strict=False)}

    def _group(self, row: dict[str, str | None]) -> dict[str, str | None]:
        """Attributes of partial keys, `0:::1`, that the row is of."""
        groups = self.found.get("dimensionGroupAttributes")
        if not isinstance(groups, dict):
            return {}
        found: dict[str, str | None] = {}
        dimensions = {str(one["id"]): one for level in self.structure.dimensions.values() for one in level}
        ordered = [dimensions[name] for name in self.structure.order]
        for key, values in groups.items():
            if not isinstance(values, list):
                raise _Broken(f"the attributes of the group '{key}' are no list")
            parts = key.split(":")
            fits = all(
                not part or _coded(one, part, key) == row.get(str(one["id"]))
                for one, part in zip(ordered, parts, strict=False)
            )
            if fits:
                listed = self.structure.attributes["dimensionGroup"]
                told = {str(one["id"]): _attribute(one, value) for one, value in zip(listed, values, strict=False)}
                found |= {name: value for name, value in told.items() if value is not None}
        return found

    def _measure(self, name: str, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, Number):
            self.origins[name].add(Origin.NUMBER)
            return plain_number(value)
        if isinstance(value, str):
            self.origins[name].add(Origin.STRING)
            return str(value)
        self.origins[name].add(Origin.BOOLEAN if isinstance(value, bool) else Origin.NESTED)
        return spelled(value)


def _members(found: Any, what: str) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Ambiguous):
        raise _Broken(f"a key stands twice in '{what}'")
    if not isinstance(found, dict):
        raise _Broken(f"'{what}' is no object")
    yield from found.items()


def _position(value: Any) -> int | None:
    """A whole number from 0 on; None where `value` is none."""
    whole = isinstance(value, Number) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS
    return int(value) if whole else None


def _only(dimension: dict[str, Any]) -> str | None:
    values = dimension.get("values") or []
    return _name(values[0]) if values else None


def _coded(component: dict[str, Any], position: str, key: str) -> str | None:
    values = component.get("values") or []
    at = _position(Number(position))
    if at is None or at >= len(values):
        raise _Broken(f"key '{key}' has position '{position}' of '{component['id']}', which has {len(values)} values")
    return _name(values[at])


def _attribute(component: dict[str, Any], value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Number) and component.get("values"):
        return _coded(component, str(value), str(value))
    return str(value) if isinstance(value, (str, Number)) else spelled(value)


def _name(value: Any) -> str | None:
    """The code of a value: its id, or what is said instead."""
    if not isinstance(value, dict):
        return None if value is None else str(value)
    for key in ("id", "value", "name"):
        found = value.get(key)
        if found is not None:
            return str(found) if isinstance(found, (str, Number)) else spelled(found)
    return None
