"""Amounts as QIF files write them: `-1,234.50`, `1.234,50`, `1'234.50`, `(5.00)`, and prices as `45 1/2`.

Whether the comma separates thousands or decimals is what all amounts of a file say together: `12,345` alone is 12345
in America and 12.345 shares of a fund in Germany.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from finport_ingestion.engine.convert.reading.qif_values import Unreadable

_SHAPE = re.compile(r"(?P<open>\()?(?P<sign>[+-])?(?P<digits>[0-9.,]*[0-9][0-9.,]*)(?P<behind>-)?(?(open)\))")
_GAPS = re.compile(r"[\s'\u2019]")  # between thousands, too
_BY_MARK = {
    ".": re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<part>[0-9]*))?"),
    ",": re.compile(r"(?P<whole>[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,(?P<part>[0-9]*))?"),
}
_FRACTION = re.compile(r"(?P<whole>[0-9]+ )?(?P<over>[0-9]+)/(?P<under>[0-9]+)")


@dataclass(slots=True)
class Numbers:
    """What the amounts of a file say of its decimal mark."""

    points: int = 0  # amounts that can only have a decimal point
    commas: int = 0  # or only a decimal comma
    vague_commas: int = 0  # `12,345`

    def look(self, text: str) -> None:
        try:
            _, digits = _taken_apart(text)
        except Unreadable:
            return
        point, comma = (_plain(digits, mark) for mark in ".,")
        self.points += comma is None and point is not None
        self.commas += point is None and comma is not None
        self.vague_commas += point is not None and comma is not None and "," in digits

    @property
    def is_guessed(self) -> bool:
        """Whether commas are read as those of thousands without a proof."""
        return bool(self.vague_commas) and not self.points and not self.commas

    def amount(self, text: str) -> str:
        """In plain decimal notation.

        Raises:
            Unreadable: It is no amount, or may be two.
        """
        sign, digits = _taken_apart(text)
        point, comma = (_plain(digits, mark) for mark in ".,")
        if point is None or comma is None:
            found = point or comma
            if found is None:
                raise Unreadable("is not an amount")
            return sign + found
        if self.points and self.commas and Decimal(point) != Decimal(comma):
            raise Unreadable("has a mark before three digits, and the file has decimal points as well as commas")
        return sign + (comma if self.commas and not self.points else point)

    def price(self, text: str) -> str:
        """An amount, or a fraction as shares were priced once: `45 1/2` is 45.5.

        Raises:
            Unreadable: It is neither, or a fraction without an exact decimal.
        """
        match = _FRACTION.fullmatch(text.strip())
        if match is None:
            return self.amount(text)
        under = int(match["under"])
        if not under or under & (under - 1):
            raise Unreadable("is a fraction without an exact decimal")
        found = int(match["whole"] or 0) + Fraction(int(match["over"]), under)
        digits = under.bit_length() - 1
        scaled = str(int(found * 10**digits)).rjust(digits + 1, "0")
        return f"{scaled[:-digits]}.{scaled[-digits:]}" if digits else scaled


def _taken_apart(text: str) -> tuple[str, str]:
    """The sign (a minus or nothing), and the digits with their marks."""
    match = _SHAPE.fullmatch(_GAPS.sub("", text))
    if match is None or (match["sign"] and (match["behind"] or match["open"])):
        raise Unreadable("is not an amount")
    negative = match["sign"] == "-" or match["behind"] or match["open"]
    return "-" if negative else "", match["digits"]


def _plain(digits: str, mark: str) -> str | None:
    """`digits` with a decimal point; None where they are not written with that mark."""
    match = _BY_MARK[mark].fullmatch(digits)
    if match is None:
        return None
    whole = match["whole"].replace(",", "").replace(".", "").lstrip("0") or "0"
    return f"{whole}.{match['part']}" if match["part"] else whole
