"""The two tables of a piece of account statements: a row a statement, and a row a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.swift_columns import STATEMENT_TYPES, TRANSACTION_TYPES
from finport_ingestion.engine.convert.reading.swift_scan import Ints
from finport_ingestion.engine.convert.reading.swift_shapes import details_columns
from finport_ingestion.engine.convert.reading.swift_statements import Statements
from finport_ingestion.engine.convert.reading.swift_totals import Balance, Sums, Total, floor_limit, reconciles
from finport_ingestion.engine.convert.reading.swift_values import (
    Balances,
    as_decimals,
    entry_dates,
    iso_dates,
    optional,
    plain_amounts,
    signed,
)

Columns = dict[str, pa.StringArray]
_NUMBER = r"^(?P<number>[^/]*)(?:/(?P<sequence>.*))?$"
_OWNER = r"(?s)^(?P<account>[^\n]*)(?:\n(?P<bic>.*))?$"
_BALANCES = {"opening": ("60F", "60M"), "closing": ("62F", "62M"), "available": ("64",)}
_NULL = pa.scalar(None, pa.string())


@dataclass(slots=True, kw_only=True)
class Tables:
    """What the statements of one piece hold; `found.faults` tells which of them are to be set aside."""

    found: Statements
    statements: Columns
    transactions: Columns
    owners: Ints  # of each transaction: which statement
    opening: list[Balance | None]
    closing: list[Balance | None]
    sums: list[Sums]
    totals: dict[tuple[int, bool], Total] = field(default_factory=dict)  # by statement, and whether of debits


def tables_of(found: Statements, *, first: int, lines: int) -> Tables:
    """Both tables.

    Args:
        first: The number of the first statement in the file.
        lines: Line ends of the file before the content.
    """
    keys = _keys(found, first, lines)
    balances = {name: found.balances(*tags) for name, tags in _BALANCES.items()}
    fields, parts = found.lines()
    owners = found.statement[fields]
    of_lines, of_statements = found.details(fields)
    moves = _moves(found, fields, parts)
    sums = _sums(owners, moves, len(found))
    opening, closing = (_balances(found, *balances[name]) for name in ("opening", "closing"))
    totals, floors, others = _rest(found, lines)
    statements = keys | _balance_columns(found, balances) | _floor_columns(floors, len(found))
    statements |= _total_columns(totals, len(found)) | _sum_columns(sums, opening, closing)
    statements |= {
        "message_type": pa.array(found.message_types(), pa.string()),
        "reference": found.column(found.firsts("20")),
        "related_reference": found.column(found.firsts("21")),
        "created": found.column(found.firsts("13D")),
        "forward_balances": _forward(found),
        "details": of_statements,
        "other_fields": pa.array([_json(others.get(number)) for number in range(len(found))], pa.string()),
        "header": pa.array(found.headers, pa.string()),
        "trailer": pa.array(found.trailers, pa.string()),
    }
    rows = pa.array(owners)
    moves |= {name: keys[name].take(rows) for name in ("statement", "account", "statement_number", "sequence_number")}
    moves |= {
        "line": _spelled(lines + 1 + found.fields.lines[fields]),
        "position": _spelled(np.arange(len(fields)) - np.searchsorted(owners, owners) + 1),
        "currency": _currency(balances, floors).take(rows),
    }
    moves |= _details(of_lines)
    return Tables(
        found=found,
        statements={name: statements[name] for name in STATEMENT_TYPES},
        transactions={name: moves[name] for name in TRANSACTION_TYPES},
        owners=owners,
        opening=opening,
        closing=closing,
        sums=sums,
        totals=totals,
    )


def _keys(found: Statements, first: int, lines: int) -> Columns:
    accounts, with_bic = found.firsts("25", "25P"), found.firsts("25P")
    for statement in np.flatnonzero(accounts < 0).tolist():
        found.fault(int(found.begins[statement]), "account", "the statement has no account (:25:)")
    text = found.column(accounts)
    halves = pc.extract_regex(text, pattern=_OWNER)
    both = pa.array((with_bic >= 0) & (with_bic == accounts))
    numbers = pc.extract_regex(found.column(found.firsts("28C", "28")), pattern=_NUMBER)
    return {
        "statement": _spelled(first + np.arange(len(found))),
        "line": _spelled(lines + 1 + found.fields.lines[found.begins]),
        "account": pc.if_else(both, pc.struct_field(halves, "account"), text),
        "account_bic": pc.if_else(both, optional(pc.struct_field(halves, "bic")), _NULL),
        "statement_number": pc.struct_field(numbers, "number"),
        "sequence_number": optional(pc.struct_field(numbers, "sequence")),
    }


def _moves(found: Statements, fields: Ints, parts: pa.StructArray) -> Columns:
    """The columns of the transactions' own fields; a date that is none sets the statement aside."""
    part = {name: pc.struct_field(parts, name) for name in parts.type.names}
    value_dates, entry = iso_dates(part["value"]), optional(part["entry"])
    entries = entry_dates(part["value"], entry)
    _refuse(found, fields, pc.and_(part["value"].is_valid(), value_dates.is_null()), "value_date", "value date")
    _refuse(found, fields, pc.and_(entry.is_valid(), entries.is_null()), "entry_date", "entry date")
    amounts = plain_amounts(part["amount"])
    debit = pc.is_in(part["mark"], value_set=pa.array(["D", "RC", "ED"]))
    return {
        "value_date": value_dates,
        "entry_date": entries,
        "mark": part["mark"],
        "funds_code": optional(part["funds"]),
        "amount": amounts,
        "signed_amount": signed(amounts, debit),
        "type_id": part["type"],
        "reference": part["reference"],
        "bank_reference": optional(part["bank"]),
        "supplementary_details": optional(part["more"]),
    }


def _refuse(found: Statements, fields: Ints, wrong: pa.BooleanArray, rule: str, what: str) -> None:
    for place in np.flatnonzero(wrong.to_numpy(zero_copy_only=False)).tolist():
        found.fault(int(fields[place]), rule, f"the {what} is no date of the calendar")


def _sums(owners: Ints, moves: Columns, count: int) -> list[Sums]:
    # Only of statements whose transactions can all be read; the others are set aside.
    table = pa.table({"owner": owners, "mark": moves["mark"], "amount": as_decimals(moves["amount"])})
    found = table.group_by(["owner", "mark"]).aggregate([("amount", "sum"), ("amount", "count")])
    sums = [Sums() for _ in range(count)]
    for owner, mark, amount, entries in zip(*(column.to_pylist() for column in found.columns), strict=True):
        if mark is not None:
            sums[owner].count[mark], sums[owner].amount[mark] = entries, amount
    return sums


def _balances(found: Statements, fields: Ints, balances: Balances) -> list[Balance | None]:
    intermediate = pc.ends_with(_tags(found, fields), "M").to_pylist()
    given = zip(balances.currency.to_pylist(), balances.amount.to_pylist(), intermediate, strict=True)
    return [
        Balance(currency=currency, amount=Decimal(amount), intermediate=bool(page)) if amount is not None else None
        for currency, amount, page in given
    ]


def _tags(found: Statements, fields: Ints) -> pa.StringArray:
    return found.fields.tags.take(pa.array(fields, mask=fields < 0))


def _balance_columns(found: Statements, balances: dict[str, tuple[Ints, Balances]]) -> Columns:
    columns: Columns = {}
    for name, (fields, given) in balances.items():
        columns |= {f"{name}_mark": given.mark, f"{name}_date": given.date, f"{name}_currency": given.currency}
        columns[f"{name}_balance"] = given.amount
        page = pc.ends_with(_tags(found, fields), "M")
        columns[f"{name}_is_intermediate"] = pc.if_else(page, "true", "false")
    return columns


def _currency(balances: dict[str, tuple[Ints, Balances]], floors: dict[int, dict[str, str]]) -> pa.StringArray:
    count = len(balances["opening"][0])
    floor = pa.array([floors.get(number, {}).get("floor_limit_currency") for number in range(count)], pa.string())
    return pc.coalesce(*(balances[name][1].currency for name in ("opening", "closing", "available")), floor)


def _forward(found: Statements) -> pa.StringArray:
    """Forward available balances (`:65:`), each with its date, as JSON."""
    fields = found.all("65")
    given = Balances.of(found.column(fields))
    made: dict[int, list[dict[str, str]]] = {}
    rows = zip(
        fields.tolist(), given.date.to_pylist(), given.currency.to_pylist(), given.amount.to_pylist(), strict=True
    )
    for number, date, currency, amount in rows:
        if date is None:
            found.fault(number, "balance", "is no balance: C or D, date, currency, amount")
            continue
        statement = int(found.statement[number])
        made.setdefault(statement, []).append({"date": date, "currency": currency, "balance": amount})
    return pa.array([_json(made.get(number)) for number in range(len(found))], pa.string())


def _rest(
    found: Statements, lines: int
) -> tuple[dict[tuple[int, bool], Total], dict[int, dict[str, str]], dict[int, list[dict[str, object]]]]:
    """Totals of entries, floor limits, and all fields that have no column."""
    totals: dict[tuple[int, bool], Total] = {}
    floors: dict[int, dict[str, str]] = {}
    others: dict[int, list[dict[str, object]]] = {}
    for number in sorted({*_without_column(found), *found.again().tolist()}):
        statement, tag = int(found.statement[number]), found.fields.tags[number].as_py()
        text = found.texts[number].as_py()
        total = Total.of(text) if tag in ("90D", "90C") else None
        floor = floor_limit(text) if tag == "34F" else None
        if total:
            totals.setdefault((statement, tag == "90D"), total)
        elif floor:
            floors.setdefault(statement, {}).update(_floor(*floor))
        else:
            line = lines + 1 + int(found.fields.lines[number])
            others.setdefault(statement, []).append({"line": line, "tag": tag, "value": text})
    return totals, floors, others


def _without_column(found: Statements) -> Iterator[int]:
    yield from np.flatnonzero(found.codes < 0).tolist()
    for tag in ("34F", "90D", "90C"):
        yield from found.all(tag).tolist()


def _floor(currency: str, mark: str, amount: str) -> Iterator[tuple[str, str]]:
    yield "floor_limit_currency", currency
    if mark != "C":
        yield "floor_limit_debit", amount
    if mark != "D":
        yield "floor_limit_credit", amount


def _floor_columns(floors: dict[int, dict[str, str]], count: int) -> Columns:
    names = ("floor_limit_currency", "floor_limit_debit", "floor_limit_credit")
    return {
        name: pa.array([floors.get(number, {}).get(name) for number in range(count)], pa.string()) for name in names
    }


def _total_columns(totals: dict[tuple[int, bool], Total], count: int) -> Columns:
    columns: Columns = {}
    for name, debit in (("debit", True), ("credit", False)):
        found = [totals.get((number, debit)) for number in range(count)]
        columns[f"{name}_entries"] = pa.array([str(total.entries) if total else None for total in found], pa.string())
        columns[f"{name}_sum"] = pa.array([f"{total.amount:f}" if total else None for total in found], pa.string())
    return columns


def _sum_columns(sums: list[Sums], opening: list[Balance | None], closing: list[Balance | None]) -> Columns:
    fits = [reconciles(*three) for three in zip(opening, closing, sums, strict=True)]
    return {
        "transactions": pa.array([str(sum(each.count.values())) for each in sums], pa.string()),
        "transactions_sum": pa.array([f"{each.booked:f}" for each in sums], pa.string()),
        "reconciles": pa.array([None if fit is None else str(fit).lower() for fit in fits], pa.string()),
    }


def _details(texts: pa.StringArray) -> Columns:
    return {"details": texts} | details_columns(pc.replace_substring(texts, "\n", ""))


def _json(value: object) -> str | None:
    return orjson.dumps(value).decode() if value else None


def _spelled(numbers: Ints) -> pa.StringArray:
    return pa.array(numbers).cast(pa.string())
