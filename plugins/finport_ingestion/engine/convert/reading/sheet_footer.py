"""What stands below a sheet's table and is none of its records: notes, totals."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from finport_ingestion.engine.convert.reading.sheet_grid import Row, is_empty, is_text
from finport_ingestion.engine.convert.reading.sheet_header import fill, is_heading, is_typed

_NOTE = re.compile(
    r"\s*(?:\*|\u2020|\u2021|\u00a9|\(?\d\)|\[\d\]|(?:foot)?notes?\b|remarks?\b|sources?\b|quelle|anmerkung|disclaimer\b"
    r"|copyright\b|legend\b|end of\b|as of\b|printed\b|generated\b|report date\b|run date\b|page \d)",
    re.IGNORECASE,
)
# The word alone, with a currency, or with what it is the total of: a company may be called Total SE.
_TOTAL = re.compile(
    r"\s*(?:(?:grand|sub|net|overall)[ -]?)?(?:totals?|totale|totaal|summe|gesamt(?:summe)?|insgesamt|suma|sum|itogo"
    r"|\u0438\u0442\u043e\u0433\u043e)(?:\s+\(?(?:usd|eur|gbp|chf|jpy|cad|aud|[$\u20ac\u00a3])\)?"
    r"|\s+(?:of|for|in|all)\b.{0,60})?\s*:?\s*",
    re.IGNORECASE,
)
_SPARSE = 0.1


@dataclass(frozen=True, slots=True)
class Footer:
    """Places in the rows that were looked at."""

    end: int  # of the records
    totals: tuple[int, ...]  # rows below them that are totals
    notes: tuple[int, ...]  # rows below them that are notes


def find_footer(rows: Sequence[Row], *, columns: frozenset[int], whole: bool) -> Footer:
    """The end of the table in `rows`, the last ones of it.

    Args:
        columns: Those that hold numbers and dates.
        whole: The rows are all of the table: then one of them is left.
    """
    end = len(rows)
    while end and not fill(rows[end - 1]):
        end -= 1
    start = _notes_start(rows[:end], columns)
    totals_end = start
    while totals_end and not fill(rows[totals_end - 1]):
        totals_end -= 1
    first = totals_end
    while first > 0 and is_total(rows[first - 1]):
        first -= 1
    if whole and first == 0:
        return Footer(end, (), ())
    kept = first
    while kept and not fill(rows[kept - 1]):
        kept -= 1
    notes = tuple(at for at in range(start, end) if fill(rows[at]))
    return Footer(kept, tuple(range(first, totals_end)), notes)


def is_total(row: Row) -> bool:
    """Whether it is numbers, and the word for their total."""
    texts = [cell for cell in row if is_text(cell)]
    if len(texts) != 1 or _TOTAL.fullmatch(str(texts[0])) is None:
        return False
    others = [cell for cell in row if is_typed(cell)]
    return bool(others) and not any(isinstance(cell, (dt.date, dt.time)) for cell in others)


def _notes_start(rows: Sequence[Row], columns: frozenset[int]) -> int:
    """Where the notes at the end of `rows` begin: sparse rows of text that are no records."""
    width = len({column for row in rows for column, cell in enumerate(row) if not is_empty(cell)})
    block = len(rows)
    while block and _is_sparse_text(rows[block - 1], width):
        block -= 1
    seen = next((at for at in range(block, len(rows)) if _is_note(rows, at, columns)), None)
    if seen is None:
        return len(rows)
    records = [row for row in rows[:block] if fill(row)]
    sparse = sum(fill(row) * 2 < width for row in records)
    if sparse > _SPARSE * len(records):
        # A sparse record cannot be told from a note by its looks: only what is told as a note is one.
        told = [at for at in range(block, len(rows)) if _NOTE.match(_first_text(rows[at]))]
        return told[0] if told else len(rows)
    while seen > block and fill(rows[seen - 1]):
        seen -= 1
    return seen


def _is_sparse_text(row: Row, width: int) -> bool:
    return fill(row) * 2 < width and not any(map(is_typed, row))


def _is_note(rows: Sequence[Row], at: int, columns: frozenset[int]) -> bool:
    if not fill(rows[at]):
        return False
    return (at > 0 and not fill(rows[at - 1])) or _told_as_note(rows[at], columns)


def _told_as_note(row: Row, columns: frozenset[int]) -> bool:
    first = _first_text(row)
    return bool(first) and (is_heading(row, columns) or _NOTE.match(first) is not None)


def _first_text(row: Row) -> str:
    return next((str(cell) for cell in row if is_text(cell)), "")
