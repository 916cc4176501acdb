"""What no library shows of a sheet's XML: its error cells, formulas without a stored result, how far its cells reach.

The part is scanned for the few byte strings that matter: a walk over every cell would cost more than reading them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from finport_ingestion.engine.convert.reading.sheet_grid import ERROR_TEXTS, Faults, Merge, place_of

_ROOT = re.compile(rb"<(\w+:)?worksheet\b")
_ERROR = re.compile(rb"t=[\"']e[\"']")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3}[1-9][0-9]{0,6})[\"']")
_MERGE = re.compile(rb"<mergeCell\s+ref=\"([A-Z]{1,3}[0-9]{1,7}):([A-Z]{1,3}[0-9]{1,7})\"")
_TEXT_RESULT = re.compile(rb"\bt=[\"'](?:str|s|inlineStr)[\"']")
_NEGATIVE = re.compile(rb"v>(-[0-9.]+(?:[eE][+-]?[0-9]+)?)</")
_BLANK_END = re.compile(rb"t>(?:[ \t\r\n]|&#)|(?:[ \t\r\n]|&#\w{1,7};)</(?:\w+:)?t>")
_UNMARKED = re.compile(rb"<((?:\w+:)?t)>(?=[ \t\r\n]|&#|[^<]*(?:[ \t\r\n]|&#\w{1,7};)</)")
_ROOT_BYTES = 4096
KNOWN_ERRORS = frozenset(ERROR_TEXTS.values()) - {"#GETTING_DATA"}


@dataclass(frozen=True, slots=True)
class Reach:
    """How many rows and columns the cells of a sheet span from A1."""

    height: int
    width: int


@dataclass(frozen=True, slots=True)
class _Patterns:
    """By the prefix that the part's elements have."""

    cell: re.Pattern[bytes]  # column and row of a cell
    tag: re.Pattern[bytes]  # the tag of a cell
    value: re.Pattern[bytes]
    formula_end: bytes
    no_result: re.Pattern[bytes]  # a formula and nothing else in its cell


def faults_of(part: bytes, *, sheet: str) -> Faults:
    """The error cells of a sheet part, and sentences about what has no value."""
    patterns = _patterns(_prefix(part))
    errors: dict[tuple[int, int], str] = {}
    lost = 0
    for tag, value in _error_cells(part, patterns):
        reference = _REFERENCE.search(tag)
        if reference is None:
            lost += 1
            continue
        errors[place_of(reference.group(1).decode())] = _error_text(value)
    warnings = [f"sheet '{sheet}': {lost} error cells have no address in the file; they are made null"] if lost else []
    missing = _without_result(part, patterns)
    if missing:
        warnings.append(
            f"sheet '{sheet}': {len(missing)} formulas have no stored result, the first in {missing[0]}; their cells "
            "are null: open the workbook in a spreadsheet program and save it"
        )
    return Faults(errors=errors, warnings=tuple(warnings))


def with_known_errors(part: bytes) -> bytes:
    """`part` whose errors are all of those that a library knows: Excel gets new ones, other programs have their own."""
    pieces: list[bytes] = []
    done = 0
    for _, value in _error_cells(part, _patterns(_prefix(part))):
        if value is not None and _error_text(value) not in KNOWN_ERRORS:
            pieces += [part[done : value.start(1)], b"#N/A"]
            done = value.end(1)
    return b"".join([*pieces, part[done:]])


def with_blanks_kept(part: bytes) -> bytes:
    """`part` whose texts are all marked as having blanks of their own where they have some at an end.

    A library drops those that are not marked so. Excel marks them; other programs leave that out and mean them.
    """
    return _UNMARKED.sub(rb'<\1 xml:space="preserve">', part) if _BLANK_END.search(part) else part


def negatives_of(part: bytes) -> Iterator[tuple[tuple[int, int], float]]:
    """Place and value of each cell whose number is below zero: where it is styled as a date, libraries show another."""
    tag = _patterns(_prefix(part)).tag
    for match in _NEGATIVE.finditer(part):
        start = max(part.rfind(b"<c ", 0, match.start()), part.rfind(b":c ", 0, match.start()))
        cell = tag.match(part, part.rfind(b"<", 0, start + 1))
        reference = _REFERENCE.search(cell.group()) if cell else None
        if reference is not None:
            yield place_of(reference.group(1).decode()), float(match.group(1))


def merges_of(part: bytes) -> Iterator[Merge]:
    """The merged cells of a sheet part."""
    for first, last in _MERGE.findall(part, max(part.rfind(b"</sheetData>"), 0)):
        (top, left), (bottom, right) = place_of(first.decode()), place_of(last.decode())
        yield Merge(first_row=top, first_column=left, last_row=bottom, last_column=right)


def reach_of(part: bytes) -> Reach:
    """How far the cells reach: a cell far out makes a library ask for memory for all that lies between."""
    found = _patterns(_prefix(part)).cell.findall(part)
    height = max((int(row) for row in {row for _, row in found}), default=0)
    width = max((place_of(f"{column.decode()}1")[1] + 1 for column in {column for column, _ in found}), default=0)
    return Reach(height, width)


def _prefix(part: bytes) -> bytes:
    found = _ROOT.search(part, 0, _ROOT_BYTES)
    return (found.group(1) or b"") if found else b""


@functools.cache
def _patterns(prefix: bytes) -> _Patterns:
    p = re.escape(prefix)
    result = rb"(?:<%bv\b[^>]*/>|<%bv\b[^>]*>\s*</%bv>)?" % (p, p, p)
    formula = rb"<%bf\b(?:[^>]*/>|[^>]*>[^<]*</%bf>)" % (p, p)
    return _Patterns(
        cell=re.compile(rb"<%bc\b[^>]*?\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']" % p),
        tag=re.compile(rb"<%bc\s[^>]*>" % p),
        value=re.compile(rb"<%bv\b[^>]*>([^<]{1,40})</" % p),
        formula_end=b"</%bf>" % prefix,
        no_result=re.compile(rb"<%bc\b([^>]*)>\s*%b\s*%b\s*</%bc>" % (p, formula, result, p)),
    )


def _error_text(value: re.Match[bytes] | None) -> str:
    return value.group(1).decode("utf-8", "replace") if value else "#ERROR"


def _error_cells(part: bytes, patterns: _Patterns) -> Iterator[tuple[bytes, re.Match[bytes] | None]]:
    """The tag and the value of each cell that is an error."""
    for match in _ERROR.finditer(part):
        # Text may hold the same bytes; it does not stand in a cell's tag.
        tag = patterns.tag.match(part, part.rfind(b"<", 0, match.start()))
        if tag is None or tag.end() < match.end():
            continue
        yield tag.group(), patterns.value.search(part, tag.end(), part.find(b"c>", tag.end()))


def _without_result(part: bytes, patterns: _Patterns) -> list[str]:
    """The addresses of formulas whose result is not stored; a text result may be empty, a number may not."""
    if patterns.formula_end not in part:
        return []
    places = []
    for match in patterns.no_result.finditer(part):
        attributes = match.group(1)
        if not _TEXT_RESULT.search(attributes):
            reference = _REFERENCE.search(attributes)
            places.append(reference.group(1).decode() if reference else "a cell without address")
    return places
