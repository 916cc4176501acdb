"""Documents that spell a table: rows of values beside the names of their columns, or columns whose values are numbered.

`{"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}`, in an envelope too, and
`{"a": {"0": 1, "1": 3}, "b": {"0": 2, "1": 4}}`: APIs of market data and data frames are written so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.convert.reading.json_texts import Ambiguous

_HEADERS = frozenset({"columns", "columnnames", "cols", "fields", "fieldnames", "header", "headers", "names", "schema"})
_NAMED_BY = ("name", "id", "field", "title", "key")
_INDEX = "index"
_DEEPEST = 4
_MOST_MEMBERS = 50  # of an envelope; an object of more is keyed by data


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its records, the way to it, and the members of the objects on the way that are not in it."""

    records: list[dict[str, Any]]
    way: str
    named_by: str  # empty for columns whose values are numbered
    beside: tuple[str, ...] = ()


def grid_of(document: dict[str, Any]) -> Grid | None:
    """The table that `document` spells; None where it spells none for sure."""
    columns = _numbered_columns(document)
    if columns is not None:
        return columns
    found = list(_grids(document, (), ()))
    return found[0] if len(found) == 1 else None


def _grids(node: Any, way: tuple[str, ...], beside: tuple[str, ...]) -> Iterator[Grid]:
    """The table in an object, or else in those that it holds."""
    if not isinstance(node, dict) or isinstance(node, Ambiguous):
        return
    if len(way) > _DEEPEST or len(node) > _MOST_MEMBERS:
        return
    found = _named_rows(node, way, beside)
    if found is not None:
        yield found
        return
    for name, inner in node.items():
        yield from _grids(inner, (*way, name), (*beside, *(other for other in node if other != name)))


def _named_rows(node: dict[str, Any], way: tuple[str, ...], beside: tuple[str, ...]) -> Grid | None:
    rows = {name: width for name, found in node.items() if (width := _width(found))}
    headers = {name: names for name, found in node.items() if (names := _names(name, found))}
    if len(rows) != 1 or len(headers) != 1:
        return None
    [(at, width)], [(header, names)] = rows.items(), headers.items()
    if len(names) != width:
        return None
    index = _index(node, names, len(node[at]))
    records = [dict(zip(names, row, strict=True)) for row in node[at]]
    if index is not None:
        records = [{_INDEX: key, **record} for key, record in zip(index, records, strict=True)]
    left = [name for name in node if name not in (at, header) and (name != _INDEX or index is None)]
    return Grid(records, ".".join((*way, at)), ".".join((*way, header)), (*beside, *left))


def _width(found: Any) -> int:
    """How many values each of the rows has; 0 where these are no rows."""
    if not isinstance(found, list) or not found or not all(isinstance(row, list) for row in found):
        return 0
    widths = set(map(len, found))
    return widths.pop() if len(widths) == 1 else 0


def _names(name: str, found: Any) -> list[str]:
    """The names of columns that a member gives; none where it is none of that kind."""
    if re.sub("[_-]", "", name).lower() not in _HEADERS:
        return []
    if isinstance(found, dict) and isinstance(found.get("fields"), list):
        found = found["fields"]
    if not isinstance(found, list) or not found:
        return []
    names = [_name(one) for one in found]
    return names if all(names) and len(set(names)) == len(names) else []


def _name(found: Any) -> str:
    if isinstance(found, dict) and not isinstance(found, Ambiguous):
        return next((str(found[key]) for key in _NAMED_BY if type(found.get(key)) is str), "")
    return found if type(found) is str else ""


def _index(node: dict[str, Any], names: list[str], count: int) -> list[Any] | None:
    """The labels of the rows, as data frames have them, where they are more than their numbers."""
    found = node.get(_INDEX)
    if not isinstance(found, list) or len(found) != count or _INDEX in names:
        return None
    return None if [str(label) for label in found] == list(map(str, range(count))) else found


def _numbered_columns(document: dict[str, Any]) -> Grid | None:
    columns = list(document.values())
    if isinstance(document, Ambiguous) or not columns or _is_numbered(document):
        return None
    if not all(isinstance(column, dict) and _is_numbered(column) for column in columns):
        return None
    if len({len(column) for column in columns}) != 1:
        return None
    numbers = list(columns[0])
    return Grid([{name: column[at] for name, column in document.items()} for at in numbers], "", "")


def _is_numbered(found: dict[str, Any]) -> bool:
    return list(found) == [str(at) for at in range(len(found))] and bool(found) and not isinstance(found, Ambiguous)
