"""Stata, SPSS and SAS files by ReadStat, in pieces of bounded size: numbers as stored, moments by their format.

ReadStat is asked for bare numbers: which dates they are is decided here, exactly and for more formats.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyreadstat

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.counted_moments import Extent, Moment, extent, read_moments, type_of
from finport_ingestion.engine.convert.reading.foreign import refuse_signature
from finport_ingestion.engine.convert.reading.labels import MissingValues, Variable, label_tables, spelled
from finport_ingestion.engine.convert.reading.study_kind import StudyKind, refuse_without_end
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_CELLS = 2_000_000  # of a piece, each an object of Python for a while
_PIECE_BYTES = 128 << 20
_ROW_LIMIT = 2_147_483_647 - _ROWS
_FAULTS = (
    *(pyreadstat.ReadstatError, pyreadstat.PyreadstatError),
    *(UnicodeError, ValueError, OverflowError, TypeError, AttributeError, KeyError, IndexError, OSError),
)
_INTEGERS = frozenset({"int8", "int16", "int32"})


@dataclass(slots=True, kw_only=True)
class _Study:
    """A file that is being read."""

    raw: RawFile
    path: Path
    kind: StudyKind
    names: list[str] = field(default_factory=list)  # as ReadStat has them
    unique: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    storage: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    row_bytes: int = 0
    variables: list[Variable] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    moments: dict[str, Moment] = field(default_factory=dict)
    targets: dict[str, pa.DataType] = field(default_factory=dict)
    missing: MissingValues = field(default_factory=MissingValues)

    @property
    def piece_rows(self) -> int:
        by_bytes = _PIECE_BYTES // max(self.row_bytes, 1)
        return int(max(1, min(_CELLS // max(len(self.names), 1), by_bytes)))


def read_statistical(raw: RawFile, kind: StudyKind) -> Iterator[Batch]:
    """Every row of `raw`, then what it says about its columns and missing values.

    Raises:
        FormatError: It is no file of this kind, cut or damaged, or its text is of another encoding than it states.
    """
    with _opened(raw, kind) as study:
        yield _nothing(study)
        done = 0
        while (wanted := _wanted(study, done)) > 0:
            found, meta = _parse(study, row_offset=done, row_limit=wanted)
            count = len(next(iter(found.values()), ()))
            yield from _batches(study, found, meta, after=done)
            yield from study.missing.batches(study.variables)
            done += count
            if count < wanted:
                break
        _refuse_cut(study, done)
        yield from label_tables(study.variables)


def sample_statistical(raw: RawFile, kind: StudyKind, *, size_bytes: int) -> Iterator[Batch]:
    """Rows of the beginning, middle and end."""
    with _opened(raw, kind) as study:
        yield _nothing(study)
        count = max(1, min(size_bytes // max(study.row_bytes, 1), study.piece_rows))
        known = study.rows if study.rows is not None else count
        for start in sorted({0, max(0, (known - count) // 2), max(0, known - count)}):
            limit = min(count, known - start) if study.rows is not None else count
            if limit > 0:
                found, meta = _parse(study, row_offset=start, row_limit=limit)
                yield from _batches(study, found, meta, after=start)
        yield from study.missing.batches(study.variables)
        yield from label_tables(study.variables)


@contextlib.contextmanager
def _opened(raw: RawFile, kind: StudyKind) -> Iterator[_Study]:
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=f"a {kind.name} file")
        head = stream.read(1024)
    if not kind.is_one(head):
        what = "is empty" if not head else f"no {kind.name} file"
        raise FormatError(f"{raw.uri}: {what}.", offset_bytes=0, hint="state the right 'format', or ask for it again")
    refuse_without_end(raw, kind.end_of(head))
    with raw.local() as path:
        study = _Study(raw=raw, path=path, kind=kind)
        _describe(study)
        _survey(study)
        yield study


def _describe(study: _Study) -> None:
    found, meta = _parse(study, metadataonly=True)
    if not found or None in found:
        what = "a column has no name" if found else "it has no columns"
        raise FormatError(f"{study.raw.uri}: {what}.", hint="ask for the file again: it may be damaged")
    study.names, study.unique = list(found), unique_names(list(found))
    study.formats = {name: shown or "" for name, shown in meta.original_variable_types.items()}
    study.storage = dict(meta.readstat_variable_types)
    study.row_bytes = sum(max(1, int(width)) for width in meta.variable_storage_width.values())
    study.rows = meta.number_rows
    if study.rows is not None and not 0 <= study.rows <= _ROW_LIMIT:
        raise FormatError(f"{study.raw.uri}: it says that it has {study.rows} rows.", hint="ask for the file again")
    study.facts = {"encoding": meta.file_encoding} if meta.file_encoding else {}
    study.variables = [
        Variable(
            name=unique,
            label=meta.column_names_to_labels.get(name) or "",
            shown=study.formats.get(name, ""),
            labels=_meanings(meta.variable_value_labels.get(name) or {}, study.kind),
        )
        for name, unique in zip(study.names, study.unique, strict=True)
    ]


def _meanings(labels: Mapping[Any, str], kind: StudyKind) -> dict[str, str]:
    tags = kind.tag_prefix
    return {f"{tags}{code}" if tags and isinstance(code, str) else spelled(code): text for code, text in labels.items()}


def _survey(study: _Study) -> None:
    """Find out, over all rows, what each column that counts moments may become."""
    for name in study.names:
        moment = study.kind.moment_of(study.formats.get(name)) if study.storage[name] != "string" else None
        if moment:
            study.moments[name] = moment
    if not study.moments:
        return
    extents = dict.fromkeys(study.moments, Extent())
    done = 0
    while (wanted := _wanted(study, done)) > 0:
        found, meta = _parse(study, row_offset=done, row_limit=wanted, usecols=list(study.moments))
        for name, moment in study.moments.items():
            numbers = _numbers(_without_tags(found[name], meta, name), _ranges(study, meta, name), pa.float64())
            extents[name] &= extent(numbers.drop_null().to_numpy(), moment)
        count = len(next(iter(found.values()), ()))
        done += count
        if count < wanted:
            break
    study.targets = {name: type_of(moment, extents[name]) for name, moment in study.moments.items()}


def _wanted(study: _Study, done: int) -> int:
    limit = study.rows if study.rows is not None else _ROW_LIMIT
    return min(study.piece_rows, limit - done)


def _parse(study: _Study, **choices: Any) -> tuple[Mapping[str, list[Any]], Any]:
    """What ReadStat finds: values by column, and the metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of repeated names, which are made unique here
            return study.kind.parse(
                study.path,
                output_format="dict",
                disable_datetime_conversion=True,
                **{**study.kind.choices, **choices},
            )
    except _FAULTS as error:
        raise _refusal(study, error) from error


def _refusal(study: _Study, error: Exception) -> FormatError:
    said = (str(error).splitlines() or [""])[0][:200].rstrip(".")
    if isinstance(error, UnicodeError) or "encoding" in said or "convert string" in said:
        return FormatError(
            f"{study.raw.uri}: its text is not of the encoding that it states: {said}.",
            hint="state the right one as 'encoding', e.g. cp1252",
        )
    return FormatError(
        f"{study.raw.uri}: not readable as a {study.kind.name} file: {said}.",
        hint="the file may be cut, damaged or encrypted: ask for it again",
    )


def _refuse_cut(study: _Study, done: int) -> None:
    if study.rows is not None and done != study.rows:
        raise FormatError(
            f"{study.raw.uri}: it says that it has {study.rows} rows, and ends after {done}.",
            hint="ask for the file again: it is cut",
        )


def _nothing(study: _Study) -> Batch:
    """No rows: it shows the columns, and says what a person should know of them."""
    told = []
    for name, unique in zip(study.names, study.unique, strict=True):
        shown = study.formats.get(name, "")
        why = study.kind.unread(shown)
        moment, target = study.moments.get(name), study.targets.get(name)
        if moment and target is not None and pa.types.is_float64(target):
            why = "some of its values are no such moments"
        if why:
            told.append(f"column '{unique}' has format {shown}, and stays a number: {why}")
    arrays = [pa.array([], _type(study, name)) for name in study.names]
    return _batch(study, arrays, after=0, warnings=tuple(told))


def _type(study: _Study, name: str) -> pa.DataType:
    if name in study.targets:
        return study.targets[name]
    if study.storage[name] == "string":
        return pa.string()
    return pa.int64() if study.storage[name] in _INTEGERS else pa.float64()


def _batches(study: _Study, found: Mapping[str, list[Any]], meta: Any, *, after: int) -> Iterator[Batch]:
    arrays = [_array(study, name, found[name], meta, after=after) for name in study.names]
    count = len(arrays[0])
    share = study.raw.size_bytes // max(study.rows or count, 1)
    for start in range(0, count, _ROWS):
        some = [array.slice(start, _ROWS) for array in arrays]
        notes = study.missing.notes() if start + _ROWS >= count and _is_last(study, after + count) else ()
        yield _batch(study, some, after=after + start, notes=notes, size_bytes=share * len(some[0]))


def _is_last(study: _Study, done: int) -> bool:
    return study.rows is None or done >= study.rows


def _batch(study: _Study, arrays: Sequence[pa.Array], *, after: int, **told: Any) -> Batch:
    return Batch(
        columns=pa.RecordBatch.from_arrays(list(arrays), names=study.unique),
        rows=pa.array(np.arange(after + 1, after + len(arrays[0]) + 1)),
        originals={one: name for one, name in zip(study.unique, study.names, strict=True) if one != name},
        facts=study.facts,
        **told,
    )


def _array(study: _Study, name: str, values: list[Any], meta: Any, *, after: int) -> pa.Array:
    unique = study.unique[study.names.index(name)]
    ranges = _ranges(study, meta, name)
    if study.storage[name] == "string":
        texts = pa.array([text or None for text in values], pa.string())
        return _nulled(texts, ranges, unique, study.missing, after=after)
    if name in meta.missing_user_values:
        tagged = [(at, value) for at, value in enumerate(values) if isinstance(value, str)]
        codes = [f"{study.kind.tag_prefix}{tag}" for _, tag in tagged]
        study.missing.add(unique, [after + at + 1 for at, _ in tagged], codes)
    stored = pa.int64() if study.storage[name] in _INTEGERS else pa.float64()
    numbers = pa.array(_without_tags(values, meta, name), stored)
    numbers = _nulled(numbers, ranges, unique, study.missing, after=after)
    moment = study.moments.get(name)
    return read_moments(numbers, moment, study.targets[name]) if moment else numbers


def _without_tags(values: list[Any], meta: Any, name: str) -> list[Any]:
    if name not in meta.missing_user_values:
        return values
    return [None if isinstance(value, str) else value for value in values]


def _ranges(study: _Study, meta: Any, name: str) -> list[tuple[Any, Any]]:
    """The codes of missing values that the file defines, from and to, where they are to become null."""
    if not study.kind.null_missing:
        return []
    return [(found["lo"], found["hi"]) for found in meta.missing_ranges.get(name, ())]


def _numbers(values: list[Any], ranges: list[tuple[Any, Any]], stored: pa.DataType) -> pa.Array:
    return _nulled(pa.array(values, stored), ranges, "", MissingValues(), after=0)


def _nulled(
    values: pa.Array, ranges: list[tuple[Any, Any]], column: str, missing: MissingValues, *, after: int
) -> pa.Array:
    """`values` without those that lie in `ranges`, which `missing` takes."""
    if not ranges:
        return values
    found = values.to_pylist()
    at = [row for row, value in enumerate(found) if value is not None and any(lo <= value <= hi for lo, hi in ranges)]
    missing.add(column, [after + row + 1 for row in at], [spelled(found[row]) for row in at])
    for row in at:
        found[row] = None
    return pa.array(found, values.type) if at else values
