"""Names of columns: as delivered, but trimmed, never blank, and unique without regard to case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from finport_ingestion.engine.records import LINEAGE_COLUMNS

_MARK = "\ufeff"


def clean_name(delivered: str) -> str:
    """`delivered` without the blanks and byte order mark around it."""
    return delivered.strip().lstrip(_MARK).strip()


def unique_names(delivered: Sequence[str]) -> list[str]:
    """A name for each column in order: `price`, `price_2`; a blank one is `column_<position>`."""
    # A name that is spelled out later must not be taken by a duplicate's number.
    spelled = {clean_name(name).casefold() for name in delivered}
    taken = dict.fromkeys((name.casefold() for name in LINEAGE_COLUMNS), 1)
    return [_free(clean_name(name) or f"column_{at}", taken, spelled) for at, name in enumerate(delivered, start=1)]


def merge_names(parts: Iterable[Sequence[str]], *, agreed: Sequence[str] = ()) -> dict[str, str]:
    """The run's column name for each name that a part uses, in order of first appearance.

    Names that differ only in case are one column (two files of one feed), unless a part holds both of them.

    Args:
        agreed: Names of the contract; they win over the spelling of a delivery.
    """
    parts = [list(part) for part in parts]
    order = list(dict.fromkeys(name for part in parts for name in part))
    apart = {folded for part in parts for folded in _twice([name.casefold() for name in part])}
    contract = {name.casefold(): name for name in agreed}
    position = {name: at for at, name in enumerate(order, start=1)}
    merged: dict[str, str] = {}
    taken = dict.fromkeys((name.casefold() for name in LINEAGE_COLUMNS), 1)
    by_fold: dict[str, str] = {}
    # What the contract spells out exactly is given away first.
    for name in sorted(order, key=lambda name: name not in agreed):
        folded = name.casefold()
        if folded in by_fold and folded not in apart:
            merged[name] = by_fold[folded]
            continue
        cleaned = clean_name(name) or f"column_{position[name]}"
        spelling = name if name in agreed or folded in apart else contract.get(cleaned.casefold(), cleaned)
        chosen = _free(clean_name(spelling) or cleaned, taken, set())
        merged[name] = by_fold.setdefault(folded, chosen) if folded not in apart else chosen
    return {name: merged[name] for name in order}


def _twice(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def _free(name: str, taken: dict[str, int], spelled: set[str]) -> str:
    """`name`, or with the first number that makes it new; `taken` holds the number that each name has come to."""
    folded = name.casefold()
    chosen, number = name, taken.get(folded, 1)
    while chosen.casefold() in taken or (number > 1 and chosen.casefold() in spelled):
        number += 1
        chosen = f"{name}_{number}"
    taken[folded] = number
    taken.setdefault(chosen.casefold(), 1)
    return chosen
