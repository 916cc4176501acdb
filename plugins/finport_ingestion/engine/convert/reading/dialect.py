"""How a delimited file is written: its delimiter, found out from the first records where it is not stated."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

from finport_ingestion.engine.convert.reading.plain_lines import BLANK, Lines

_CANDIDATES = (",", ";", "\t", "|")
_RARE = ("^", "~", "\x01", "\x1f", "¦", "§")
"""Delimiters where none of the usual ones cuts a line."""
_WITH_COMMA = re.compile(r"[-+(]?[$€£]?\s?[0-9][0-9.,' ]*,[0-9]+(?:\.[0-9]+)?[-)%€\s]*|(?:[^,]+, )+[^,]+")
"""A number with decimal commas or commas of thousands; words with a comma and a blank."""
_STATED = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
_RECORDS = 100
_LINES = 400
_FEW = 3
_ALIKE = 0.9
_HARDLY = 0.7
_COMMENT, _QUOTE = "#", '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Everything that decides where a field ends."""

    delimiter: str  # empty: found out from the first records
    quote: str = '"'  # empty for none
    quote_is_stated: bool = False  # it is not found out from the first records
    header: bool | None = None  # found out from the first records
    names: tuple[str, ...] = ()  # of a file without header
    skip_lines: int = 0
    nulls: tuple[str, ...] = ("",)
    encoding: str | None = None
    comment: str = ""  # lines that begin with it are none
    loose: bool = False  # a line whose quotes do not fit may be one without quoting
    after_blanks: bool = False  # fields, and their quotes, begin behind blanks

    @property
    def lines(self) -> Lines:
        return Lines(comment=self.comment, blanks=self.delimiter == BLANK)


def found_out(dialect: Dialect, text: str) -> Dialect:
    """The dialect with what nobody stated: the delimiter, and a mark of comments above the table.

    Args:
        text: The file's beginning.
    """
    lines = list(islice(io.StringIO(text, newline=""), dialect.skip_lines, dialect.skip_lines + _LINES))
    stated = stated_delimiter(text)
    if stated and not dialect.skip_lines and dialect.delimiter in ("", stated):
        return found_out(replace(dialect, delimiter=stated, skip_lines=1), text)
    comment = dialect.comment or _find_comment(lines)
    kept = [line for line in lines if not comment or not line.lstrip().startswith(comment)]
    delimiter = dialect.delimiter or find_delimiter("".join(kept), quote=dialect.quote)
    if comment and not dialect.comment and _is_header(lines, delimiter, comment):
        comment = ""
    if delimiter == BLANK:
        comment = comment or _COMMENT  # as every tool takes it that reads such files
    return replace(dialect, delimiter=delimiter, comment=comment)


def stated_delimiter(text: str) -> str:
    """What a first line `sep=;` says, which spreadsheets write and read; empty where there is none."""
    found = _STATED.fullmatch(text[: text.find("\n") + 1])
    return found[1] if found else ""


def _find_comment(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return _COMMENT if first.lstrip().startswith(_COMMENT) else ""


def _is_header(lines: list[str], delimiter: str, comment: str) -> bool:
    """`#id,name` above records of as many fields names the columns."""
    marked = [line for line in lines if line.strip()]
    last = next((at for at, line in enumerate(marked) if not line.lstrip().startswith(comment)), 0)
    if not 0 < last < len(marked) or delimiter == BLANK:
        return False
    return marked[last - 1].count(delimiter) == marked[last].count(delimiter) > 0


def find_delimiter(text: str, *, quote: str) -> str:
    """The delimiter that cuts the first records into the most alike rows; a comma where none does.

    Args:
        text: The file's beginning; its last line may be cut.
    """
    lines = whole_lines([line for line in io.StringIO(text, newline="") if line.strip()], least=1)
    for marks, least in ((_CANDIDATES, 0.0), (_RARE, _ALIKE)):
        best = max(marks, key=lambda delimiter: _likeness(lines, delimiter, quote))
        share, width = _likeness(lines, best, quote)
        if best == "\t" and share < _HARDLY and _cut_by_blanks(lines):
            return BLANK
        if width > 1 and share >= least and (marks is _CANDIDATES or len(lines) > 1):
            return _beside_commas(lines, quote) if best == "," else best
    return BLANK if _cut_by_blanks(lines) else ","


def _beside_commas(lines: list[str], quote: str) -> str:
    """Another mark that cuts as steadily as commas do, where the commas stand in numbers and behind words; or a comma.

    `x;1,5;2,5` has as many commas as semicolons in each line.
    """
    for mark in (";", "\t", "|"):
        if _likeness(lines, mark, quote)[0] < _ALIKE:
            continue
        fields = [field.strip(' "\r\n') for line in lines[:_RECORDS] for field in line.split(mark) if "," in field]
        if sum(_WITH_COMMA.fullmatch(field) is not None for field in fields) >= _ALIKE * len(fields):
            return mark
    return ","


def whole_lines(lines: list[str], *, least: int) -> list[str]:
    """The lines without a last one that has no end and may be cut, but for one that ends what quotes begin."""
    last = lines[-1] if len(lines) > least else "\n"
    within_quotes = sum(line.count(_QUOTE) for line in lines[:-1]) % 2
    return lines if last.endswith(("\n", "\r")) or within_quotes else lines[:-1]


def _cut_by_blanks(lines: list[str]) -> bool:
    """Whether nearly all lines have the same number of words: prose has not."""
    widths = Counter(len(line.split()) for line in lines)
    if not widths:
        return False
    width, count = widths.most_common(1)[0]
    return width > 1 and len(lines) > _FEW and count >= _ALIKE * len(lines)


def _likeness(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """The share of records that have the commonest number of fields, and that number; nothing for one field."""
    if quote:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=None, quoting=csv.QUOTE_NONE)
    widths: Counter[int] = Counter()
    try:
        for fields in reader:
            widths[len(fields)] += 1
            if widths.total() >= _RECORDS:
                break
    except csv.Error:
        return (0.0, 0)
    if not widths:
        return (0.0, 0)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1:
        return (0.0, 0)
    return (round(count / widths.total(), 2), width)
