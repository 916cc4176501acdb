"""The tables of a QIF file, with the logical types of their columns."""

from __future__ import annotations

import string

_AMOUNT = "decimal(18,2)"
_CODES = (*string.ascii_uppercase, "$", "%")
_KEYS = {"record": "integer", "account": "text", "account_type": "text"}
_DATED = {"date": "date", "date_as_delivered": "text"}
SCHEMA: dict[str, dict[str, str]] = {
    "transactions": {
        **_KEYS,
        "section": "text",
        **_DATED,
        "amount": _AMOUNT,
        "cleared": "text",
        "number": "text",
        "payee": "text",
        "memo": "text",
        "address": "text",
        "category": "text",
        "transfer_account": "text",
        "splits": "integer",
        "other": "json",
    },
    "splits": {
        **_KEYS,
        "position": "integer",
        "category": "text",
        "transfer_account": "text",
        "memo": "text",
        "amount": _AMOUNT,
        "percentage": "text",
        **_DATED,
    },
    "investments": {
        **_KEYS,
        **_DATED,
        "action": "text",
        "security": "text",
        "price": _AMOUNT,
        "quantity": _AMOUNT,
        "amount": _AMOUNT,
        "commission": _AMOUNT,
        "cleared": "text",
        "payee": "text",
        "memo": "text",
        "category": "text",
        "transfer_account": "text",
        "transfer_amount": _AMOUNT,
        "other": "json",
    },
    "accounts": {
        "record": "integer",
        "name": "text",
        "type": "text",
        "description": "text",
        "credit_limit": _AMOUNT,
        "balance": _AMOUNT,
        "balance_date": "date",
        "balance_date_as_delivered": "text",
        "other": "json",
    },
    "categories": {
        "record": "integer",
        "section": "text",
        "name": "text",
        "description": "text",
        "tax_related": "text",
        "kind": "text",
        "budget": "text",
        "tax_schedule": "text",
    },
    "securities": {"record": "integer", "name": "text", "symbol": "text", "type": "text", "goal": "text"},
    "prices": {"record": "integer", "symbol": "text", "price": _AMOUNT, **_DATED},
    "records": {"record": "integer", "section": "text", **dict.fromkeys(_CODES, "text"), "other": "json"},
}
