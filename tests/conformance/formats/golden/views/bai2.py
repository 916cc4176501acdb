"""BAI2: the golden table is the file's physical lines; ours keep the lines of every record beside its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View


class Bai2View(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        lines = list(_lines(ours))
        return {"code": [line[:2] for line in lines], "line": lines}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        transactions = ours.table("transactions")
        yield "by_code", wanted["by_code"], dict(Counter(line[:2] for line in _lines(ours)))
        yield "transaction_lines", wanted["transaction_lines"], transactions.rows
        total = sum(map(_minor_units, transactions.rows_as_dicts()))
        yield "sum_transaction_amounts", Decimal(wanted["sum_transaction_amounts"]), total
        yield "file_control", wanted["file_control"], ours.table("files").column("trailer_record")

    def disagreements(self, ours: Converted) -> Iterator[str]:
        for row in ours.table("transactions").rows_as_dicts():
            _, code, amount, *_ = row["record"].split("\n")[0].rstrip("/ ").split(",")
            if code != row["type_code"] or Decimal(amount or 0) != _minor_units(row):
                yield f"transaction {row['record']!r} is typed as {row['type_code']}, {row['amount']}"


def _minor_units(transaction: Mapping[str, Any]) -> Decimal:
    amount = transaction["amount"] or Decimal()
    return Decimal(amount).scaleb(get_currency_precision(transaction["currency"]))


def _lines(ours: Converted) -> Iterator[str]:
    """Every line of the file again: records are nested, and each has its continuations with it."""
    levels = ("files", "groups", "accounts", "transactions")
    rows = {level: ours.table(level).rows_as_dicts() for level in levels}
    keys = ("file", "group", "account")

    def within(depth: int, place: tuple[int, ...]) -> Iterator[str]:
        for row in rows[levels[depth]]:
            if tuple(row[key] for key in keys[:depth]) != place:
                continue
            yield from row["record"].split("\n")
            if depth + 1 < len(levels):
                yield from within(depth + 1, (*place, row[keys[depth]]))
                yield from row["trailer_record"].split("\n")

    yield from within(0, ())
