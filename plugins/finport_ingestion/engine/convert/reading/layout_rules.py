"""What the columns of a layout by places must hold to, of text and of mainframe records alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Placed(Protocol):
    """A column by its place."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def length(self) -> int: ...


def check_layout(columns: Sequence[Placed], *, count_from: int, record_length: int | None) -> None:
    """Raise ValueError where a layout names a column twice, begins before its first place, or overruns its records."""
    names = [column.name.casefold() for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"columns: '{twice[0]}' stands there twice")
    before = [column.name for column in columns if column.start < count_from]
    if before:
        raise ValueError(f"columns: '{before[0]}' starts at 0, but countFrom is 1")
    if record_length and any(c.start - count_from + c.length > record_length for c in columns):
        raise ValueError("recordLength: shorter than the columns")
