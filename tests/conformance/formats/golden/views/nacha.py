"""NACHA: the golden table is the entry detail records, cut by their places; ours are stripped, amounts in dollars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from tests.conformance.formats.golden.converted import Converted, OurTable
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View

_PADDED = {"account": ("field_13_29", 17), "individual_id": ("field_40_54", 15), "name": ("field_55_76", 22)}


class NachaView(View):
    not_of_the_data: ClassVar = {"line_lengths": "of the lines; every record has 94 characters, or it is set aside"}

    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        entries = ours.table("entries")
        return {
            "txcode": entries.column("transaction_code"),
            "rdfi": entries.column("receiving_dfi"),
            "amount_cents": [f"{_cents(amount):010d}" for amount in entries.column("amount")],
            "addenda": entries.column("addenda_indicator"),
            "trace": entries.column("trace_number"),
            **{
                name: [_padded(text, width) for text in entries.column(ours_name)]
                for name, (ours_name, width) in _PADDED.items()
            },
        }

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        files, batches, entries = ours.table("files"), ours.table("batches"), ours.table("entries")
        count = {"1": files, "5": batches, "6": entries, "7": ours.table("addenda"), "8": batches, "9": files}
        by_type = {kind: table.rows for kind, table in count.items()}
        # Lines of nines fill the last block of ten; they are no data.
        by_type["9"] += _filling(wanted["lines"], sum(by_type.values()))
        yield "by_type", wanted["by_type"], {kind: rows for kind, rows in by_type.items() if rows}
        yield "lines", wanted["lines"], sum(by_type.values())
        yield "sum_amount_cents", wanted["sum_amount_cents"], sum(map(_cents, entries.column("amount")))
        yield "file_control", wanted["file_control"], _control(files)

    def disagreements(self, ours: Converted) -> Iterator[str]:
        for row in ours.table("entries").rows_as_dicts():
            cut = row["record"].ljust(94)
            typed = (
                row["transaction_code"],
                row["receiving_dfi"],
                f"{_cents(row['amount']):010d}",
                row["trace_number"],
            )
            if typed != (cut[1:3], cut[3:12], cut[29:39], cut[79:94]):
                yield f"entry {cut!r} is typed as {typed}"


def _cents(amount: Decimal) -> int:
    cents = amount.scaleb(2)
    assert cents == cents.to_integral_value(), amount
    return int(cents)


def _padded(text: str | None, width: int) -> str:
    return (text or "").ljust(width)


def _filling(wanted: int, lines: int) -> int:
    filling = -lines % 10
    return filling if wanted == lines + filling else 0


def _control(files: OurTable) -> dict[str, str]:
    row = files.rows_as_dicts()[0]
    return {
        "entry_addenda": f"{row['entry_addenda_count']:08d}",
        "hash": row["entry_hash"],
        "debit": f"{_cents(row['total_debit']):012d}",
        "credit": f"{_cents(row['total_credit']):012d}",
    }
