"""SWIFT MT940: the golden table is the parts of every :61: line, its facts the balances and how they follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d+),(\d*)")


class Mt940View(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        transactions = ours.table("transactions")
        references = zip(transactions.column("reference"), transactions.column("bank_reference"), strict=True)
        return {
            "value_date": [_written(day, "%y%m%d") for day in transactions.column("value_date")],
            "entry_date": [_written(day, "%m%d") for day in transactions.column("entry_date")],
            "indicator": transactions.column("mark"),
            "amount": transactions.column("amount"),
            "txn_type": transactions.column("type_id"),
            "reference": [_reference(reference, bank) for reference, bank in references],
        }

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        statements, transactions = ours.table("statements"), ours.table("transactions")
        yield "statements", wanted["statements"], statements.rows
        yield "tag61", wanted["tag61"], transactions.rows
        yield "balances", [(tag, *_balance(text)) for tag, text in wanted["balances"]], list(_balances(ours))
        sums: dict[str, Decimal] = {}
        for mark, amount in zip(transactions.column("mark"), transactions.column("amount"), strict=True):
            sums[mark] = sums.get(mark, Decimal()) + amount
        yield "sum_by_indicator", {k: Decimal(v) for k, v in wanted["sum_by_indicator"].items()}, sums
        yield "reconciliation", [_reconciled(told) for told in wanted["reconciliation"]], list(_reconciliation(ours))
        yield from self._library(wanted, ours)

    def _library(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        transactions = ours.table("transactions")
        if "mt940_library_transactions" in wanted:
            yield "mt940_library_transactions", wanted["mt940_library_transactions"], transactions.rows
        if "mt940_library_sum" in wanted:
            # That library takes the reversals RC and RD for credits.
            marks = transactions.column("mark")
            total = sum(
                (_signed(mark, amount) for mark, amount in zip(marks, transactions.column("amount"), strict=True)),
                Decimal(),
            )
            yield "mt940_library_sum", Decimal(wanted["mt940_library_sum"]), total

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """A sign is that of its mark, and a statement's sum that of its transactions."""
        sums: dict[int, Decimal] = {}
        for row in ours.table("transactions").rows_as_dicts():
            sums[row["statement"]] = sums.get(row["statement"], Decimal()) + row["signed_amount"]
            if row["signed_amount"] != row["amount"] * (-1 if row["mark"] in ("D", "RC") else 1):
                yield f"line {row['line']}: {row['mark']} {row['amount']} is signed as {row['signed_amount']}"
        for row in ours.table("statements").rows_as_dicts():
            if row["transactions_sum"] != sums.get(row["statement"], Decimal()):
                yield f"statement {row['statement']}: the sum {row['transactions_sum']} is not {sums[row['statement']]}"


def _written(day: Any, way: str) -> str | None:
    return None if day is None else day.strftime(way)


def _reference(reference: str | None, bank: str | None) -> str | None:
    return reference if bank is None else f"{reference or ''}//{bank}"


def _balance(text: str) -> tuple[str, str, str, Decimal]:
    found = _BALANCE.fullmatch(text)
    assert found, text
    mark, day, currency, whole, cents = found.groups()
    return mark, day, currency, Decimal(f"{whole}.{cents or 0}")


def _balances(ours: Converted) -> Iterator[tuple[str, str, str, str, Decimal]]:
    """Tag and parts of every balance, in the order of the file."""
    for row in ours.table("statements").rows_as_dicts():
        for tag, name in (("60", "opening"), ("62", "closing"), ("64", "available")):
            if row[f"{name}_balance"] is None:
                continue
            letter = "" if tag == "64" else "M" if row[f"{name}_is_intermediate"] else "F"
            day = row[f"{name}_date"].strftime("%y%m%d")
            yield tag + letter, row[f"{name}_mark"], day, row[f"{name}_currency"], abs(row[f"{name}_balance"])


def _reconciled(told: Mapping[str, Any]) -> tuple[Any, ...]:
    sums = (Decimal(told[name]) for name in ("opening", "transactions", "closing"))
    return told["currency"], *sums, told["reconciles"]


def _reconciliation(ours: Converted) -> Iterator[tuple[Any, ...]]:
    for row in ours.table("statements").rows_as_dicts():
        sums = (row[name] for name in ("opening_balance", "transactions_sum", "closing_balance"))
        yield row["opening_currency"], *sums, row["reconciles"]


def _signed(mark: str, amount: Decimal) -> Decimal:
    return -amount if mark == "D" else amount
