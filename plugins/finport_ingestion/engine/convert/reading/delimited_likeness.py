"""How much the beginning of a file looks like delimited text: whether its records have as many fields as each other."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from finport_ingestion.engine.convert.interface import Head, Likeness
from finport_ingestion.engine.convert.reading.dialect import stated_delimiter, whole_lines

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
_RARE_NAMES = {"^": "carets", "~": "tildes", "\x01": "0x01", "\x1f": "0x1F", "¦": "broken bars", "§": "section signs"}
_MARKS = (",", ";", "|", "\t")
_LINES = 200
_FEW = 3
_LEAST_SHARE = 0.5
_STEADY_SHARE = 0.95
_SURE = 0.86
_SURE_OF = {1: 0.4, 2: 0.75}
"""By number of records: two lines of prose may have a comma each."""
_MORE_BY_FIELD = 0.02
_MOST = {1: 0.7, 2: 0.84}
_STATED = 0.9
_BY_BLANKS = 0.38
"""Prose and fixed widths are cut by blanks as well."""
_ONE_COLUMN = 0.4
_TEXT = 0.05
_DOUBT = 0.45
_SENTENCE_BYTES = 60
_LONG_LINE = 40
# `<a>` and `{"a":` and `[{` begin other syntaxes; a blank or a word behind the bracket may be a column's name, and
# programs of market data write `<TICKER>,<DATE>,<OPEN>`.
_OTHER_SYNTAX = re.compile(r"\s*(?:<(?!\w+>[,;|\t]<\w+>)[?!A-Za-z]|[\[{]\s*[\"{\[\]}])")


@dataclass(frozen=True, slots=True)
class _Cut:
    """The records as one delimiter cuts them."""

    width: int = 0  # the commonest number of fields
    count: int = 0  # of records that have it
    share: float = 0.0  # of those from the first such record on
    records: int = 0
    first: int = 0  # of those that have it


def likeness_of(head: Head, delimiter: str) -> Likeness | None:
    """How much it looks cut by `delimiter`; None where it does not at all."""
    if _OTHER_SYNTAX.match(head.text):
        return None
    lines, cuts = _look(head.text)
    cut = cuts[delimiter]
    if cut.width < 2 or cut.share < _LEAST_SHARE or (delimiter == " " and not _is_table_of_words(cut)):
        return None
    confidence = _BY_BLANKS if delimiter == " " else _confidence(cut)
    if _is_prose(lines, delimiter) or _is_fixed_width(lines, cut) or _is_outdone(cuts, delimiter):
        confidence *= _DOUBT
    reason = f"{cut.count} of the first {cut.records} records have {cut.width} fields between {_NAMES[delimiter]}"
    return Likeness(round(confidence, 3), reason)


def _confidence(cut: _Cut) -> float:
    """Many records say more than few, and many fields in each of a few more than two."""
    if cut.count not in _SURE_OF:
        return _SURE * cut.share
    return min(_MOST[cut.count], _SURE_OF[cut.count] + _MORE_BY_FIELD * (cut.width - 2)) * cut.share


def likeness_as_stated(head: Head) -> Likeness | None:
    """What a first line `sep=;` says."""
    mark = stated_delimiter(head.text)
    return Likeness(_STATED, f"its first line states the delimiter {mark!r}") if mark else None


def likeness_of_rare(head: Head) -> Likeness | None:
    """How much it looks cut by a delimiter that is seldom used, where none of the others cuts it."""
    if _OTHER_SYNTAX.match(head.text):
        return None
    lines, cuts = _look(head.text)
    if any(cuts[mark].width > 1 and cuts[mark].share >= _LEAST_SHARE for mark in _MARKS):
        return None
    rare = {mark: _cut_by(lines, mark) for mark in _RARE_NAMES if mark in head.text}
    mark = max(rare, key=lambda mark: (rare[mark].share, rare[mark].width), default="")
    if not mark or rare[mark].share < _STEADY_SHARE or rare[mark].records < _FEW or rare[mark].width < 2:
        return None
    cut = rare[mark]
    reason = f"{cut.count} of the first {cut.records} records have {cut.width} fields between {_RARE_NAMES[mark]}"
    return Likeness(round(_confidence(cut), 3), reason)


def likeness_of_one_column(head: Head) -> Likeness | None:
    """How much it looks like a table of one column, in which nothing is cut."""
    lines = _look(head.text)[0]
    if not lines or _OTHER_SYNTAX.match(head.text):
        return None
    words = all(len(line.split()) == 1 for line in lines)
    if words and len(lines) > 1:
        return Likeness(_ONE_COLUMN, "lines of one word each")
    return Likeness(_TEXT, "lines of text")


@lru_cache(maxsize=2)
def _look(text: str) -> tuple[list[str], dict[str, _Cut]]:
    """The first lines, and how each mark cuts them: several formats ask for it one after the other."""
    lines = _first_lines(text)
    return lines, {mark: _cut_by(lines, mark) for mark in _NAMES}


def _first_lines(text: str) -> list[str]:
    """The first lines with something in them, without comments, and without the last one, which may be cut."""
    lines = [line for line in itertools.islice(io.StringIO(text, newline=""), _LINES + 1) if line.strip()]
    lines = lines[:_LINES] if len(lines) > _LINES else whole_lines(lines, least=2)
    return [line for line in lines if not line.startswith("#")] or lines


def _cut_by(lines: list[str], delimiter: str) -> _Cut:
    widths = [len(line.split()) for line in lines] if delimiter == " " else _widths(lines, delimiter)
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return _Cut()
    width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    # Titles and notes may stand above a table.
    first = widths.index(width)
    return _Cut(width, count, count / (len(widths) - first), len(widths), first)


def _widths(lines: list[str], delimiter: str) -> list[int]:
    """The number of fields of each record; a quoted field may go over several lines."""
    try:
        widths = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
    except csv.Error:
        return []
    # Where the text ends inside a quoted field, the last record is no whole one.
    return widths[:-1] if len(widths) > 2 and sum(line.count('"') for line in lines) % 2 else widths


def _is_table_of_words(cut: _Cut) -> bool:
    return cut.share == 1 and cut.count > _FEW


def _is_prose(lines: list[str], delimiter: str) -> bool:
    """Whether the marks stand in sentences: few, each with a blank behind it, in long lines."""
    marks = sum(line.count(delimiter) for line in lines)
    spaced = sum(line.count(f"{delimiter} ") for line in lines)
    length = sum(len(line) for line in lines)
    return delimiter != " " and spaced > 0.9 * marks and length > _SENTENCE_BYTES * marks


def _is_fixed_width(lines: list[str], cut: _Cut) -> bool:
    """Whether it is the lines that are as long as each other, and not quite the records that have as many fields."""
    lengths = {len(line) for line in lines}
    return cut.share < 1 and len(lines) > _FEW and len(lengths) == 1 and min(lengths) > _LONG_LINE


def _is_outdone(cuts: dict[str, _Cut], delimiter: str) -> bool:
    """Whether another mark cuts as steadily, into more fields, or is a tab, which stands in text for nothing else.

    `1,5` and `2,7` with a tab between them are not cut by commas.
    """
    cut = cuts[delimiter]
    for mark in _MARKS:
        other = cuts[mark]
        # A tab in the text of the last records is steady by itself.
        steady = other.share >= max(_STEADY_SHARE, cut.share - 0.01) and other.first <= cut.first
        if delimiter != "\t" and steady and (other.width > cut.width or mark == "\t"):
            return True
    return False
