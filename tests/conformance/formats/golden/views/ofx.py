"""OFX: the golden table is the aggregates STMTTRN; amounts and moments are typed in ours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_BUYS_AND_SELLS = re.compile(r"(BUY|SELL)\w+")


class OfxView(View):
    not_of_the_data: ClassVar = {"version": "how the file is written, OFX 1 or 2: the tables are the same"}

    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        transactions = ours.table("transactions")
        return {name: transactions.column(name.lower()) for name in golden.names}

    def delivered(self, golden: GoldenTable, path: Path) -> Mapping[str, Sequence[str | None]]:
        text = path.read_bytes().decode("cp1252", "replace")
        parts = re.findall(r"<STMTTRN>(.*?)(?=</STMTTRN>|<STMTTRN>|</BANKTRANLIST>)", text, re.DOTALL)
        return {name: [_element(name, part) for part in parts] for name in golden.names}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        transactions, accounts = ours.table("transactions"), ours.table("accounts")
        yield "stmttrn", wanted["stmttrn"], transactions.rows + transactions.quarantined
        actions = ours.table("investment_transactions").column("action")
        yield "invest_buys_sells", wanted["invest_buys_sells"], sum(bool(_BUYS_AND_SELLS.match(a)) for a in actions)
        yield "positions", wanted["positions"], ours.table("positions").rows
        if transactions.quarantined:  # their statement is set aside with all it says
            for name in ("accounts", "curdef", "ledger_balances", "sum_trnamt"):
                yield name, None, None
            return
        yield "accounts", wanted["accounts"], accounts.column("acctid")
        yield "curdef", wanted["curdef"], accounts.column("curdef")
        balances = [row["amount"] for row in ours.table("balances").rows_as_dicts() if row["name"] == "LEDGERBAL"]
        yield "ledger_balances", [Decimal(amount) for amount in wanted["ledger_balances"]], balances
        yield "sum_trnamt", Decimal(wanted["sum_trnamt"]), sum(transactions.column("trnamt"), Decimal())


def _element(name: str, part: str) -> str | None:
    """An element's text: OFX 1 does not close it."""
    found = re.search(rf"<{name}>(?:<!\[CDATA\[(.*?)\]\]>|([^<\r\n]*))", part)
    if found is None:
        return None
    return (found[1] if found[1] is not None else html.unescape(found[2])).strip() or None
