"""What a statement says of its own transactions, compared with them: balances, page to page, counts and sums."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from finport_ingestion.engine.convert.reading.swift_values import AMOUNT

_PRECISION = 60
_DEBITS, _CREDITS = ("D", "RC"), ("C", "RD")
_BOOKED = frozenset((*_DEBITS, *_CREDITS))
_TOTAL = re.compile(rf"([0-9]{{1,5}})([A-Z]{{3}})({AMOUNT})")
_FLOOR = re.compile(rf"([A-Z]{{3}})([CD]?)({AMOUNT})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A balance of a statement."""

    currency: str | None
    amount: Decimal  # signed
    intermediate: bool

    def is_alike(self, other: Balance) -> bool:
        """Whether both are of one currency, as far as they state one."""
        return self.currency == other.currency or None in (self.currency, other.currency)


@dataclass(frozen=True, slots=True)
class Total:
    """`:90D:` or `:90C:`: how many entries, and what they sum up to."""

    entries: int
    currency: str
    amount: Decimal

    @staticmethod
    def of(text: str) -> Total | None:
        """None where the text is no total."""
        found = _TOTAL.fullmatch(text)
        return Total(int(found[1]), found[2], number(found[3])) if found else None


@dataclass(slots=True)
class Sums:
    """The transactions of one statement, by mark."""

    count: dict[str, int] = field(default_factory=dict)
    amount: dict[str, Decimal] = field(default_factory=dict)

    @property
    def booked(self) -> Decimal:
        """Of all that is booked; entries that are only expected do not change a balance."""
        return self._of(_CREDITS) - self._of(_DEBITS)

    def _of(self, marks: Sequence[str]) -> Decimal:
        return sum((self.amount.get(mark, Decimal(0)) for mark in marks), Decimal(0))

    def fits(self, total: Total, *, debit: bool) -> bool:
        """Whether a total is of these; banks count reversals and expected entries or not."""
        plain, reversed_, expected = ("D", "RC", "ED") if debit else ("C", "RD", "EC")
        for marks in ((plain,), (plain, reversed_), (plain, expected), (plain, reversed_, expected)):
            if sum(self.count.get(mark, 0) for mark in marks) == total.entries and self._of(marks) == total.amount:
                return True
        return False


def reconciles(opening: Balance | None, closing: Balance | None, sums: Sums) -> bool | None:
    """Whether the closing balance follows; None where a balance is missing."""
    if opening is None or closing is None or not opening.is_alike(closing):
        return None
    with localcontext() as context:
        context.prec = _PRECISION
        return opening.amount + sums.booked == closing.amount


def complaints(opening: Balance | None, closing: Balance | None, before: Balance | None, sums: Sums) -> Iterator[str]:
    """Sentences on balances that do not fit, without their subject.

    Args:
        before: The closing balance of the page before, where the statement goes on from it.
    """
    with localcontext() as context:
        context.prec = _PRECISION
        if (opening is None) != (closing is None):
            yield f"has no {'opening' if opening is None else 'closing'} balance"
        if before is not None and opening is not None and before.amount != opening.amount:
            yield f"opens with {opening.amount:f}, but the page before closes with {before.amount:f}"
        if any(balance is not None and balance.currency is None for balance in (opening, closing)):
            yield "has a balance without a currency"
        if opening is None or closing is None:
            return
        if not opening.is_alike(closing):
            yield f"opens in {opening.currency} and closes in {closing.currency}"
            return
        made = opening.amount + sums.booked
        if made != closing.amount:
            yield (
                f"does not follow: {opening.amount:f} and transactions of {sums.booked:f} make {made:f}, "
                f"but the closing balance is {closing.amount:f} {closing.currency or opening.currency or ''}".rstrip()
            )


def floor_limit(text: str) -> tuple[str, str, str] | None:
    """Currency, mark (empty for both) and plain amount of `:34F:`."""
    found = _FLOOR.fullmatch(text)
    return (found[1], found[2], f"{number(found[3]):f}") if found else None


def number(text: str) -> Decimal:
    """An amount with a decimal comma."""
    return Decimal(text.replace(",", ".").removesuffix("."))
