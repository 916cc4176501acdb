"""The layout of the fixed-width trades, for whoever writes or reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A column; `start` counts from 0."""

    name: str
    start: int
    length: int


def _laid_out(**lengths: int) -> Iterator[Field]:
    start = 0
    for name, length in lengths.items():
        yield Field(name, start, length)
        start += length


LAYOUT = tuple(
    _laid_out(
        trade_id=9,
        ts=27,
        symbol=7,
        isin=13,
        side=2,
        price=12,
        quantity=6,
        amount=14,
        venue=5,
        account=9,
        fee=6,
        trade_date=11,
        seq=8,
    )
)
