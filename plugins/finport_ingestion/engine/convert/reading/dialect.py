"""How a delimited file is written: its delimiter, found out from the first records where it is not stated."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace

from finport_ingestion.engine.convert.reading.plain_lines import BLANK, Lines

_CANDIDATES = (",", ";", "\t", "|")
_RECORDS = 100
_LINES = 400
_FEW = 3
_ALIKE = 0.9
_COMMENT = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Everything that decides where a field ends."""

    delimiter: str  # empty: found out from the first records
    quote: str = '"'  # empty for none
    header: bool | None = None  # found out from the first records
    names: tuple[str, ...] = ()  # of a file without header
    skip_lines: int = 0
    nulls: tuple[str, ...] = ("",)
    encoding: str | None = None
    comment: str = ""  # lines that begin with it are none

    @property
    def lines(self) -> Lines:
        return Lines(comment=self.comment, blanks=self.delimiter == BLANK)


def found_out(dialect: Dialect, text: str) -> Dialect:
    """The dialect with what nobody stated: the delimiter, and a mark of comments above the table.

    Args:
        text: The file's beginning.
    """
    lines = text.splitlines(keepends=True)[dialect.skip_lines : dialect.skip_lines + _LINES]
    comment = dialect.comment or _find_comment(lines)
    kept = [line for line in lines if not comment or not line.lstrip().startswith(comment)]
    delimiter = dialect.delimiter or find_delimiter("".join(kept), quote=dialect.quote)
    if comment and not dialect.comment and _is_header(lines, delimiter, comment):
        comment = ""
    if delimiter == BLANK:
        comment = comment or _COMMENT  # as every tool takes it that reads such files
    return replace(dialect, delimiter=delimiter, comment=comment)


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
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        lines.pop()
    best = max(_CANDIDATES, key=lambda delimiter: _likeness(lines, delimiter, quote))
    if _likeness(lines, best, quote) > (0.0, 0):
        return best
    return BLANK if _cut_by_blanks(lines) else ","


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
