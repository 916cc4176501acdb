"""The columns of the tables of account statements: the same for every file."""

from __future__ import annotations

from finport_ingestion.engine.convert.reading import swift_details

STATEMENTS = "statements"
TRANSACTIONS = "transactions"

_MONEY = "decimal(18,2)"
KEYS = {
    "statement": "integer",
    "line": "integer",
    "account": "text",
    "statement_number": "text",
    "sequence_number": "text",
}
_BALANCE = {"mark": "text", "date": "date", "currency": "text", "balance": _MONEY}

STATEMENT_TYPES: dict[str, str] = {
    **KEYS,
    "account_bic": "text",
    "message_type": "text",
    "reference": "text",
    "related_reference": "text",
    "created": "text",
    **{f"opening_{name}": kind for name, kind in _BALANCE.items()},
    "opening_is_intermediate": "boolean",
    **{f"closing_{name}": kind for name, kind in _BALANCE.items()},
    "closing_is_intermediate": "boolean",
    **{f"available_{name}": kind for name, kind in _BALANCE.items()},
    "forward_balances": "json",
    "floor_limit_currency": "text",
    "floor_limit_debit": _MONEY,
    "floor_limit_credit": _MONEY,
    "debit_entries": "integer",
    "debit_sum": _MONEY,
    "credit_entries": "integer",
    "credit_sum": _MONEY,
    "transactions": "integer",
    "transactions_sum": _MONEY,
    "reconciles": "boolean",
    "details": "text",
    "other_fields": "json",
    "header": "text",
    "trailer": "text",
}
TRANSACTION_TYPES: dict[str, str] = {
    **KEYS,
    "position": "integer",
    "value_date": "date",
    "entry_date": "date",
    "mark": "text",
    "funds_code": "text",
    "amount": _MONEY,
    "signed_amount": _MONEY,
    "currency": "text",
    "type_id": "text",
    "reference": "text",
    "bank_reference": "text",
    "supplementary_details": "text",
    "details": "text",
    "details_structure": "text",
    "details_parts": "json",
    **dict.fromkeys(swift_details.COLUMNS, "text"),
}
