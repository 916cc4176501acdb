"""The columns of the ISO 20022 tables, with their types: the same for every version of a message."""

from __future__ import annotations

from collections.abc import Iterable

_AMOUNT = "decimal(18,2)"  # it widens by itself where a currency has more decimals


def _texts(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "text")


def _party(*prefixes: str) -> dict[str, str]:
    return _texts(" ".join(f"{prefix}_name {prefix}_id" for prefix in prefixes))


def _account(*prefixes: str) -> dict[str, str]:
    return _texts(" ".join(f"{prefix}_iban {prefix}_account" for prefix in prefixes))


def _agent(*prefixes: str) -> dict[str, str]:
    return _texts(" ".join(f"{prefix}_bic {prefix}_member {prefix}_name" for prefix in prefixes))


def _amounts(prefixes: Iterable[str]) -> dict[str, str]:
    return {
        name: kind
        for prefix in prefixes
        for name, kind in ((f"{prefix}amount", _AMOUNT), (f"{prefix}currency", "text"))
    }


def _moment(name: str) -> dict[str, str]:
    return {f"{name}_date": "date", f"{name}_at": "text"}


_MESSAGE = {"message_type": "text", "message_id": "text"}
_STATEMENT = {"statement_number": "integer", "statement_id": "text"}
_ACCOUNT = {"account_iban": "text", "account_other": "text"}
_CODES = _texts("bank_domain bank_family bank_subfamily bank_proprietary bank_proprietary_issuer")
_REMITTANCE = _texts("remittance_text creditor_reference document_number remittance_info")
_RAW = {"raw": "json"}
_PARTIES = {
    **_party("debtor"),
    **_account("debtor"),
    **_agent("debtor_agent"),
    **_party("ultimate_debtor", "creditor"),
    **_account("creditor"),
    **_agent("creditor_agent"),
    **_party("ultimate_creditor"),
}

STATEMENTS = {
    "entries": {
        **_STATEMENT,
        **_ACCOUNT,
        "entry_number": "integer",
        "entry_reference": "text",
        **_amounts([""]),
        "credit_debit": "text",
        "reversal": "boolean",
        "status": "text",
        **_moment("booking"),
        **_moment("value"),
        "servicer_reference": "text",
        **_CODES,
        "batch_message_id": "text",
        "batch_payment_information_id": "text",
        "batch_count": "integer",
        **_amounts(["batch_"]),
        "transaction_count": "integer",
        "first_end_to_end_id": "text",
        "additional_info": "text",
        **_RAW,
    },
    "statements": {
        **_MESSAGE,
        "message_created_at": "text",
        **_STATEMENT,
        "electronic_sequence": "text",
        "legal_sequence": "text",
        "page": "text",
        "last_page": "boolean",
        "created_at": "text",
        **_moment("from"),
        **_moment("to"),
        "copy_duplicate": "text",
        **_ACCOUNT,
        "account_currency": "text",
        "account_name": "text",
        "account_type": "text",
        **_party("owner"),
        **_agent("servicer"),
        "entry_count": "integer",
        **_RAW,
    },
    "balances": {
        **_STATEMENT,
        **_ACCOUNT,
        "balance_number": "integer",
        "type": "text",
        "subtype": "text",
        **_amounts([""]),
        "credit_debit": "text",
        **_moment("balance"),
        "credit_line_included": "boolean",
        **_amounts(["credit_line_"]),
        **_RAW,
    },
    "transactions": {
        **_STATEMENT,
        "entry_number": "integer",
        "transaction_number": "integer",
        **_texts("message_id servicer_reference payment_information_id instruction_id end_to_end_id uetr"),
        **_texts("transaction_id mandate_id cheque_number clearing_reference"),
        **_amounts([""]),
        "credit_debit": "text",
        **_amounts(["instructed_", "transaction_"]),
        "exchange_rate": "decimal(18,6)",
        **_CODES,
        **_PARTIES,
        **_REMITTANCE,
        **_texts("purpose return_reason return_info additional_info"),
        **_RAW,
    },
}

PAYMENTS = {
    "payments": {
        **_MESSAGE,
        "message_created_at": "text",
        **_party("initiating_party"),
        "payment_information_number": "integer",
        "payment_information_id": "text",
        "payment_method": "text",
        "batch_booking": "boolean",
        **_moment("requested"),
        **_moment("settlement"),
        "payment_number": "integer",
        **_texts("instruction_id end_to_end_id transaction_id uetr clearing_reference return_id"),
        **_texts("original_message_id original_instruction_id original_end_to_end_id original_transaction_id"),
        **_texts("original_uetr return_reason return_info"),
        **_amounts([""]),
        **_amounts(["instructed_", "original_"]),
        "exchange_rate": "decimal(18,6)",
        "charge_bearer": "text",
        **_texts("service_level local_instrument category_purpose sequence_type priority"),
        **_texts("mandate_id creditor_scheme_id"),
        "mandate_signed_date": "date",
        **_PARTIES,
        **_agent("instructing_agent", "instructed_agent"),
        "purpose": "text",
        **_REMITTANCE,
        **_RAW,
    },
    "payment_informations": {
        **_MESSAGE,
        "payment_information_number": "integer",
        "payment_information_id": "text",
        "payment_method": "text",
        "stated_count": "integer",
        "stated_sum": _AMOUNT,
        "payment_count": "integer",
        **_RAW,
    },
    "messages": {
        **_MESSAGE,
        "created_at": "text",
        "stated_count": "integer",
        "stated_sum": _AMOUNT,
        **_amounts(["settlement_"]),
        **_moment("settlement"),
        "settlement_method": "text",
        "payment_count": "integer",
        **_RAW,
    },
}

STATUSES = {
    "statuses": {
        **_MESSAGE,
        "message_created_at": "text",
        "level": "text",
        "original_message_id": "text",
        "original_message_name": "text",
        "group_status": "text",
        "original_payment_information_id": "text",
        "payment_information_status": "text",
        **_texts("status_id original_instruction_id original_end_to_end_id original_transaction_id original_uetr"),
        "status": "text",
        **_texts("status_reason status_info"),
        "accepted_at": "text",
        **_texts("servicer_reference clearing_reference"),
        **_amounts([""]),
        **_moment("settlement"),
        **_moment("requested"),
        **_PARTIES,
        **_REMITTANCE,
        **_RAW,
    },
    "messages": {
        **_MESSAGE,
        "created_at": "text",
        "original_message_id": "text",
        "original_message_name": "text",
        "original_created_at": "text",
        "original_count": "integer",
        "original_sum": _AMOUNT,
        "group_status": "text",
        **_texts("status_reason status_info"),
        "status_count": "integer",
        **_RAW,
    },
}
