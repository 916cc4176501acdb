"""Message formats, whose golden tables are one possible view: an adapter for each derives that view from our tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance.formats.golden.canonical import NULL, canonical, digest
from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenFile, GoldenTable
from tests.conformance.formats.golden.exactly import same
from tests.conformance.formats.golden.views import View


def differences(file: GoldenFile, ours: Converted, view: View) -> Iterator[str]:
    """What of the golden view cannot be derived from our tables, a sentence each."""
    for golden in file.tables:
        yield from _table_differences(file, golden, ours, view)
    if file.facts:
        yield from _fact_differences(file, ours, view)
    yield from view.disagreements(ours)


def _table_differences(file: GoldenFile, golden: GoldenTable, ours: Converted, view: View) -> Iterator[str]:
    derived = view.columns(golden, ours)
    if file.holds_bad_rows and {len(values) for values in derived.values()} != {golden.rows}:
        yield from _rows_left(golden, derived, ours)
        return
    texts = view.delivered(golden, file.delivered)
    for column in golden.columns:
        name = str(column["name"])
        said = f"'{golden.name}.{name}'"
        if name not in derived:
            yield f"{said} cannot be derived"
        elif len(derived[name]) != golden.rows:
            yield f"{said} has {len(derived[name])} rows, not {golden.rows}"
        else:
            yield from _column_differences(said, column, derived[name], texts.get(name), golden.cell_values(name))


def _column_differences(
    said: str,
    column: Mapping[str, Any],
    values: Sequence[Any],
    delivered: Sequence[str | None] | None,
    cells: Mapping[int, Any],
) -> Iterator[str]:
    if digest(canonical(value) for value in values) == column["values_sha256"]:
        return
    # How a typed value was written cannot be known from it: the texts are taken from the file itself, are proved to be
    # the golden ones by their digest, and are compared one by one.
    if delivered is not None and _are_golden(delivered, column):
        yield from _first_other(said, delivered, values)
        return
    told = [
        f"row {row} is {canonical(values[row])!r}, not {value!r}"
        for row, value in cells.items()
        if _other(value, values[row])
    ]
    yield f"{said} ({column.get('kind')}): other values; {'; '.join(told) or 'the told cells are equal'}"


def _are_golden(texts: Sequence[Any], column: Mapping[str, Any]) -> bool:
    """The golden reader may have stripped them, or (OFX in CDATA) have found nothing: ours have to be as delivered."""
    stripped = [text.strip() if isinstance(text, str) else text for text in texts]
    found = any(digest(map(canonical, ways)) == column["values_sha256"] for ways in (texts, stripped))
    return found or column.get("kind") == "empty"


def _first_other(said: str, texts: Sequence[Any], values: Sequence[Any]) -> Iterator[str]:
    for row, (text, value) in enumerate(zip(texts, values, strict=True)):
        if not same(text, value):
            yield f"{said}, row {row}: {value!r}, where the file says {text!r}"
            return


def _rows_left(golden: GoldenTable, derived: Mapping[str, Sequence[Any]], ours: Converted) -> Iterator[str]:
    """Where the golden table holds the bad rows too: how many are left."""
    for name, values in derived.items():
        if len(values) + ours.report.quarantined != golden.rows:
            aside = ours.report.quarantined
            yield f"'{golden.name}.{name}': {len(values)} rows and {aside} set aside, not {golden.rows}"


def _other(cell: Any, value: Any) -> bool:
    return not isinstance(cell, dict) and canonical(value) != (NULL if cell in (None, "") else cell)


def _fact_differences(file: GoldenFile, ours: Converted, view: View) -> Iterator[str]:
    """Every fact of the manifest is compared, or it is not about what a table can hold."""
    compared = set()
    for name, wanted, found in view.facts(file.facts, ours):
        compared.add(name)
        if wanted != found:
            yield f"the fact '{name}' is {found!r}, not {wanted!r}"
    for name in file.facts.keys() - compared - view.not_of_the_data.keys():
        yield f"the fact '{name}' is not compared: the adapter has to derive it"
