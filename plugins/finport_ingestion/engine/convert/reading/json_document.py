"""The records of a parsed document, of JSON or YAML: by path, or where they are found to stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.json_find import Guess, guess_records, is_scalar
from finport_ingestion.engine.convert.reading.json_grid import Grid, grid_of
from finport_ingestion.engine.convert.reading.json_path import (
    Each,
    Steps,
    Walk,
    has_wildcard,
    parse_path,
    spelled_path,
)
from finport_ingestion.engine.convert.reading.json_records import BatchMaker
from finport_ingestion.engine.convert.reading.json_texts import Ambiguous
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.errors import ConfigError, FormatError

_ROWS = 50_000
_SAMPLE_ROWS = 10_000
_MANY_NAMES = 8
_FACT_LENGTH = 200
VALUE = "value"
"""The column of a document that holds plain values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a Format says of where the records stand."""

    path: str | None = None
    carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Records, each with its place, and what is to be said of the way to them."""

    records: Sequence[tuple[str, Any]]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def find(document: Any, *, where: Where, raw: RawFile) -> Found:
    """The records of `document`.

    Raises:
        FormatError: The path finds no records, or the document holds none.
        ConfigError: The path cannot be read.
    """
    if where.path is None:
        return _found(document, where, raw)
    if has_wildcard(where.path) or where.carry:
        return _walked(document, parse_path(where.path), where, raw, guessed=False)
    if isinstance(document, Ambiguous):
        raise FormatError(f"{raw.uri}: a key stands twice in the document's object.", hint="ask for the file again")
    found = _search(document, where.path, raw)
    if isinstance(found, dict):
        return Found(records=[("", found)])
    if isinstance(found, list):
        return Found(records=_numbered(found))
    raise FormatError(
        f"{raw.uri}: '{where.path}' holds neither an object nor a list.", hint="state the path in 'records'"
    )


def batches(
    found: Found, *, raw: RawFile, only_sample: bool = False, rejected: tuple[BadRecord, ...] = ()
) -> Iterator[Batch]:
    """The records in batches; what is to be said comes with the first one.

    Args:
        only_sample: The first, middle and last records do.
        rejected: What cannot be read beside the records; it comes with the last batch.
    """
    records = found.records
    if only_sample and len(records) > _SAMPLE_ROWS:
        third, middle = _SAMPLE_ROWS // 3, len(records) // 2
        records = [*records[:third], *records[middle : middle + third], *records[-third:]]
    maker = BatchMaker(limits=raw.limits, sparse=Sparseness(raw.uri))
    done = 0
    for row, (place, value) in enumerate(records, start=1):
        maker.add(value, row=row, place=f"record {row} ({place})" if place else f"record {row}")
        if row < len(records) and (row - done >= _ROWS or maker.full):
            yield _batch(maker, found, done, row, raw)
            done = row
    maker.bad.extend(rejected)
    yield _batch(maker, found, done, len(records), raw)


def _batch(maker: BatchMaker, found: Found, done: int, row: int, raw: RawFile) -> Batch:
    """The records behind `done` up to `row`."""
    return maker.batch(
        size_bytes=raw.size_bytes * (row - done) // max(len(found.records), 1),
        notes=() if done else found.notes,
        warnings=() if done else found.warnings,
        facts={} if done else dict(found.facts),
    )


def _found(document: Any, where: Where, raw: RawFile) -> Found:
    if where.carry:
        raise ConfigError(f"{raw.uri}: 'carry' needs a path in 'records'.", hint="state the path in 'records'")
    if isinstance(document, list):
        return _listed(document)
    if not isinstance(document, dict):
        # A bare value is a valid document, and more often an error's message than a delivery.
        return Found(
            records=[("", {VALUE: document})],
            warnings=(f"{raw.uri} is one plain value: it is kept as a table of one record",),
        )
    grid = grid_of(document)
    if grid is not None:
        return _spelled_as_table(grid, raw)
    guess = guess_records(document)
    if guess.steps:
        found = _walked(document, guess.steps, where, raw, guessed=True)
        return dataclasses.replace(found, warnings=(*found.warnings, *_other_lists(guess, raw)))
    if guess.lists:
        names = _listing(guess.lists)
        said = f"{raw.uri} is read as one record; if its records are the items of {names}, state it in 'records'"
        return Found(records=[("", document)], warnings=(said,))
    return Found(records=[("", document)])


def _spelled_as_table(grid: Grid, raw: RawFile) -> Found:
    if not grid.named_by:
        note = f"{raw.uri}: the document is a table by columns, whose values are numbered"
        return Found(records=_numbered(grid.records), notes=(note,))
    said = [f"{raw.uri}: records are the rows of '{grid.way}', whose columns '{grid.named_by}' names"]
    if grid.beside:
        said.append(f"{raw.uri}: beside them there is {_listing(grid.beside)}: not in the table")
    deep = "." in grid.way
    return Found(
        records=_numbered(grid.records), notes=() if deep else tuple(said), warnings=tuple(said) if deep else ()
    )


def _other_lists(guess: Guess, raw: RawFile) -> tuple[str, ...]:
    if not guess.lists:
        return ()
    names = _listing(guess.lists)
    return (f"{raw.uri}: the items of {names} are in no table; if they are the records, state it in 'records'",)


def _listed(document: list[Any]) -> Found:
    if document and all(value is None or is_scalar(value) for value in document):
        note = f"the document is a list of plain values: they are in column '{VALUE}'"
        return Found(records=[("", {VALUE: value}) for value in document], notes=(note,))
    return Found(records=_numbered(document))


def _numbered(records: list[Any]) -> list[tuple[str, Any]]:
    return [("", record) for record in records]


def _walked(document: Any, steps: Steps, where: Where, raw: RawFile, *, guessed: bool) -> Found:
    walk = Walk(steps, uri=raw.uri, carry=where.carry)
    records = list(walk.records(document))
    path = spelled_path(steps)
    if not records and walk.missing:
        raise FormatError(
            f"{raw.uri}: '{path}' finds nothing: there is no '{walk.missing[0]}'.",
            hint="state the path in 'records'",
        )
    warnings = [*_astray(walk, path), *_not_carried(walk, where, raw)]
    notes: list[str] = []
    if guessed:
        (warnings if len(steps) > 2 else notes).append(_told(steps, path, raw))
    left = [name for name in walk.beside if name not in where.carry]
    if left:
        # What stands beside a list of one envelope is about the delivery; inside maps it is data.
        (warnings if _deep(steps) and guessed else notes).append(_left_out(left, path, raw))
    return Found(records=records, notes=tuple(notes), warnings=tuple(warnings), facts=_facts(document, steps))


def _told(steps: Steps, path: str, raw: RawFile) -> str:
    keys = [f"'{step.name}'" for step in steps if isinstance(step, Each)]
    held = f", with the keys in {', '.join(keys)}" if keys else ""
    return f"{raw.uri}: records were found at '{path}'{held}; state 'records' to have it so for certain"


def _left_out(names: Sequence[str], path: str, raw: RawFile) -> str:
    return (
        f"{raw.uri}: beside the way to '{path}' there is {_listing(names)}: not in the table ('carry' takes it along)"
    )


def _astray(walk: Walk, path: str) -> list[str]:
    if not walk.missing:
        return []
    return [f"{walk.uri}: '{path}' finds nothing in {len(walk.missing)} places, the first is '{walk.missing[0]}'"]


def _not_carried(walk: Walk, where: Where, raw: RawFile) -> list[str]:
    lost = [name for name in where.carry if name not in walk.carried]
    return [f"{raw.uri}: 'carry' names {_listing(lost)}, which stands nowhere beside the path"] if lost else []


def _deep(steps: Steps) -> bool:
    return sum(isinstance(step, Each) for step in steps) > 1


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MANY_NAMES])
    return f"{shown} and {len(names) - _MANY_NAMES} more" if len(names) > _MANY_NAMES else shown


def _facts(document: Any, steps: Steps) -> tuple[tuple[str, str], ...]:
    """The plain members of the document itself, beside the way to the records."""
    if not isinstance(document, dict) or not steps or isinstance(steps[0], Each):
        return ()
    plain = {name: value for name, value in document.items() if is_scalar(value)}
    return tuple(
        (f"document.{name}", (str(value).lower() if isinstance(value, bool) else str(value))[:_FACT_LENGTH])
        for name, value in plain.items()
    )


def _search(document: Any, path: str, raw: RawFile) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        found = jmespath.search(path, document)
    except JMESPathError as error:
        raise ConfigError(f"records: '{path}' is no JMESPath: {error}", hint="see https://jmespath.org") from error
    if found is None:
        keys = ", ".join(list(document)[:10]) if isinstance(document, dict) else f"a list of {len(document)}"
        raise FormatError(f"{raw.uri}: '{path}' finds nothing; there is {keys}.", hint="state the path in 'records'")
    return found
