"""ISO 20022: a golden row is an entry (camt), a transaction (pain, pacs) or a status (pain.002) with a few elements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.conformance.formats.golden.converted import Converted, OurTable
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_TABLES = ("entries", "payments", "statuses")
_LEVELS = {"payment information": "OrgnlPmtInfAndSts", "transaction": "TxInfAndSts", "group": "OrgnlGrpInfAndSts"}
_TEXTS = {
    "amount": "amount",
    "currency": "currency",
    "CdtDbtInd": "credit_debit",
    "Sts": "status",
    "AcctSvcrRef": "servicer_reference",
    "NtryRef": "entry_reference",
}


class Iso20022View(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        table = _main(ours)
        rows = table.rows_as_dicts()
        columns: dict[str, Sequence[Any]] = {name: [row.get(found) for row in rows] for name, found in _TEXTS.items()}
        others = {name: [_child(row["raw"], name) for row in rows] for name in golden.names if name not in columns}
        return (
            others
            | columns
            | {
                "element": [_element(table, row) for row in rows],
                "RvslInd": [row.get("reversal") for row in rows],
                "BookgDt": [_date_or_moment(row, "booking") for row in rows],
                "ValDt": [_date_or_moment(row, "value") for row in rows],
                "EndToEndId": [_end_to_end(table, row) for row in rows],
                "n_tx_details": [row.get("transaction_count", 0) for row in rows],
            }
        )

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        types = {row["message_type"] for table in ours.tables for row in _typed(table)}
        yield "namespace", True, any(kind in wanted["namespace"] for kind in types)
        totals: dict[str, Decimal] = {}
        for row in _main(ours).rows_as_dicts():
            if row["amount"] is not None:
                key = f"{row['currency']}/{row.get('credit_debit')}"
                totals[key] = totals.get(key, Decimal()) + row["amount"]
        yield "amount_totals", {key: Decimal(total) for key, total in wanted["amount_totals"].items()}, totals
        balances = [(told["type"], Decimal(told["amount"]), told["ind"]) for told in wanted["balances"]]
        yield "balances", balances, list(_balances(ours))

    def disagreements(self, ours: Converted) -> Iterator[str]:
        """An entry's transactions are as many as it says; amounts are those of their elements."""
        if not any(table.name == "entries" for table in ours.tables):
            return
        counted: dict[tuple[int, int], int] = {}
        for row in ours.table("transactions").rows_as_dicts():
            key = (row["statement_number"], row["entry_number"])
            counted[key] = counted.get(key, 0) + 1
        for row in ours.table("entries").rows_as_dicts():
            found = counted.get((row["statement_number"], row["entry_number"]), 0)
            if found != row["transaction_count"]:
                yield f"entry {row['entry_number']} tells of {row['transaction_count']} transactions, and has {found}"
        for name in ("entries", "balances"):
            for row in ours.table(name).rows_as_dicts():
                element = json.loads(row["raw"]).get("Amt")
                if isinstance(element, dict) and (row["currency"], row["amount"]) != (
                    element["@Ccy"],
                    Decimal(element["#text"]),
                ):
                    yield f"{name}: {row['amount']} {row['currency']}, where the element is {element}"


def _child(raw: str, name: str) -> str | None:
    """The text of an element of the record that has no column: of it, or of its one child."""
    found = json.loads(raw).get(name)
    while isinstance(found, dict) and len(found) == 1:
        [found] = found.values()
    return found if isinstance(found, str) else None


def _main(ours: Converted) -> OurTable:
    return next(table for table in ours.tables if table.name in _TABLES)


def _typed(table: OurTable) -> list[dict[str, Any]]:
    return table.rows_as_dicts() if "message_type" in table.data.column_names else []


def _element(table: OurTable, row: Mapping[str, Any]) -> str:
    if table.name == "entries":
        return "Ntry"
    if table.name == "statuses":
        return _LEVELS[row["level"]]
    return "DrctDbtTxInf" if row["message_type"].startswith(("pain.008", "pacs.003")) else "CdtTrfTxInf"


def _date_or_moment(row: Mapping[str, Any], name: str) -> str | None:
    """As it is written: a date, or a moment as its text."""
    moment: str | None = row.get(f"{name}_at")
    day = row.get(f"{name}_date")
    return moment or (day.isoformat() if day else None)


def _end_to_end(table: OurTable, row: Mapping[str, Any]) -> str | None:
    # What a status is about has its own element: OrgnlEndToEndId.
    found: str | None = {"entries": row.get("first_end_to_end_id"), "payments": row.get("end_to_end_id")}.get(
        table.name
    )
    return found


def _balances(ours: Converted) -> Iterator[tuple[str, Decimal, str]]:
    """The manifest's reader takes the first amount within a balance: that of its credit line, where there is one."""
    for table in ours.tables:
        if table.name == "balances":
            for row in table.rows_as_dicts():
                line = row["credit_line_amount"]
                yield row["type"], row["amount"] if line is None else line, row["credit_debit"]
