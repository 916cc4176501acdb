"""Where the fields of NACHA records stand: 94 characters each, by record type and entry class (0-based slices)."""

from __future__ import annotations

from collections.abc import Mapping

WIDTH = 94
Slices = Mapping[str, tuple[int, int]]

FILE_HEADER: Slices = {
    "priority_code": (1, 3),
    "immediate_destination": (3, 13),
    "immediate_origin": (13, 23),
    "file_date": (23, 29),
    "file_time": (29, 33),
    "file_id_modifier": (33, 34),
    "immediate_destination_name": (40, 63),
    "immediate_origin_name": (63, 86),
    "reference_code": (86, 94),
}
BATCH_HEADER: Slices = {
    "service_class_code": (1, 4),
    "company_name": (4, 20),
    "company_discretionary_data": (20, 40),
    "company_identification": (40, 50),
    "entry_class": (50, 53),
    "entry_description": (53, 63),
    "descriptive_date": (63, 69),
    "effective_date": (69, 75),
    "settlement_day": (75, 78),
    "originator_status": (78, 79),
    "originating_dfi": (79, 87),
    "batch_number": (87, 94),
}
IAT_BATCH_HEADER: Slices = {
    "service_class_code": (1, 4),
    "iat_indicator": (4, 20),
    "exchange_indicator": (20, 22),
    "exchange_reference_indicator": (22, 23),
    "exchange_reference": (23, 38),
    "destination_country": (38, 40),
    "company_identification": (40, 50),
    "entry_class": (50, 53),
    "entry_description": (53, 63),
    "originating_currency": (63, 66),
    "destination_currency": (66, 69),
    "effective_date": (69, 75),
    "settlement_day": (75, 78),
    "originator_status": (78, 79),
    "originating_dfi": (79, 87),
    "batch_number": (87, 94),
}
_ENTRY: Slices = {
    "transaction_code": (1, 3),
    "receiving_dfi": (3, 12),
    "account_number": (12, 29),
    "individual_identification": (39, 54),
    "individual_name": (54, 76),
    "discretionary_data": (76, 78),
    "addenda_indicator": (78, 79),
    "trace_number": (79, 94),
}
_COUNTED = {"addenda_count": (54, 58), "individual_name": (58, 74)}
_CHECK = {"check_serial_number": (39, 54), "individual_identification": (0, 0)}
_BY_CLASS: Mapping[str, Slices] = {
    "CTX": {**_ENTRY, **_COUNTED},
    "ENR": {**_ENTRY, **_COUNTED},
    "TRX": {**_ENTRY, **_COUNTED},
    "ARC": {**_ENTRY, **_CHECK},
    "BOC": {**_ENTRY, **_CHECK},
    "RCK": {**_ENTRY, **_CHECK},
    "XCK": {**_ENTRY, **_CHECK},
    "POP": {
        **_ENTRY,
        "check_serial_number": (39, 48),
        "terminal_city": (48, 52),
        "terminal_state": (52, 54),
        "individual_identification": (0, 0),
    },
    "CIE": {**_ENTRY, "individual_name": (39, 54), "individual_identification": (54, 76)},
    "MTE": {**_ENTRY, "individual_name": (39, 61), "individual_identification": (61, 76)},
    "IAT": {
        "transaction_code": (1, 3),
        "receiving_dfi": (3, 12),
        "addenda_count": (12, 16),
        "account_number": (39, 74),
        "gateway_screening_indicator": (76, 77),
        "secondary_screening_indicator": (77, 78),
        "addenda_indicator": (78, 79),
        "trace_number": (79, 94),
    },
    "ADV": {
        "transaction_code": (1, 3),
        "receiving_dfi": (3, 12),
        "account_number": (12, 27),
        "individual_name": (54, 76),
        "discretionary_data": (76, 78),
        "addenda_indicator": (78, 79),
        "trace_number": (79, 94),
    },
}
AREAS: Slices = {"field_13_29": (12, 29), "field_40_54": (39, 54), "field_55_76": (54, 76)}
"""What the classes use in different ways, by position, as delivered."""


def entry_slices(entry_class: str) -> Slices:
    return _BY_CLASS.get(entry_class, _ENTRY)


def amount_slice(entry_class: str) -> tuple[int, int]:
    """Of an entry; the advice of ADV has two digits more."""
    return (27, 39) if entry_class == "ADV" else (29, 39)


def control_slices(entry_class: str) -> Slices:
    """Of the batch control."""
    totals = (
        {"total_debit": (20, 40), "total_credit": (40, 60)}
        if entry_class == "ADV"
        else {"total_debit": (20, 32), "total_credit": (32, 44)}
    )
    return {"entry_addenda_count": (4, 10), "entry_hash": (10, 20), **totals}


def file_control_slices(*, advice: bool) -> Slices:
    totals = (
        {"total_debit": (31, 51), "total_credit": (51, 71)}
        if advice
        else {"total_debit": (31, 43), "total_credit": (43, 55)}
    )
    return {
        "batch_count": (1, 7),
        "block_count": (7, 13),
        "entry_addenda_count": (13, 21),
        "entry_hash": (21, 31),
        **totals,
    }


def is_credit(transaction_code: str, entry_class: str) -> bool:
    """By the last digit of the transaction code; the codes of advices are 81 to 88, odd ones being credits."""
    last = int(transaction_code[1])
    return last % 2 == 1 if entry_class == "ADV" else last <= 4


def cut(record: str, slices: Slices) -> dict[str, str | None]:
    """The fields without the blanks around them; None where there are only blanks."""
    return {name: record[start:end].strip() or None for name, (start, end) in slices.items()}


_AMOUNT = "decimal(18,2)"
_BATCH_KEYS = {
    "file": "integer",
    "batch": "integer",
    "batch_number": "text",
    "entry_class": "text",
    "service_class_code": "text",
    "company_name": "text",
    "company_identification": "text",
    "entry_description": "text",
    "effective_date": "date",
    "originating_dfi": "text",
}
SCHEMA = {
    "entries": {
        **_BATCH_KEYS,
        "entry": "integer",
        "transaction_code": "text",
        "direction": "text",
        "receiving_dfi": "text",
        "account_number": "text",
        "amount": _AMOUNT,
        "individual_identification": "text",
        "individual_name": "text",
        "check_serial_number": "text",
        "terminal_city": "text",
        "terminal_state": "text",
        "discretionary_data": "text",
        "gateway_screening_indicator": "text",
        "secondary_screening_indicator": "text",
        "addenda_indicator": "text",
        "addenda_count": "text",
        "trace_number": "text",
        "field_13_29": "text",
        "field_40_54": "text",
        "field_55_76": "text",
        "record": "text",
    },
    "addenda": {
        "file": "integer",
        "batch": "integer",
        "entry": "integer",
        "trace_number": "text",
        "addenda_type": "text",
        "payment_information": "text",
        "sequence_number": "text",
        "entry_sequence_number": "text",
        "return_reason_code": "text",
        "change_code": "text",
        "original_trace_number": "text",
        "original_receiving_dfi": "text",
        "corrected_data": "text",
        "record": "text",
    },
    "batches": {
        **_BATCH_KEYS,
        "company_discretionary_data": "text",
        "descriptive_date": "text",
        "settlement_day": "text",
        "originator_status": "text",
        "iat_indicator": "text",
        "exchange_indicator": "text",
        "exchange_reference_indicator": "text",
        "exchange_reference": "text",
        "destination_country": "text",
        "originating_currency": "text",
        "destination_currency": "text",
        "entry_addenda_count": "integer",
        "entry_hash": "text",
        "total_debit": _AMOUNT,
        "total_credit": _AMOUNT,
        "record": "text",
        "control_record": "text",
    },
    "files": {
        "file": "integer",
        "priority_code": "text",
        "immediate_destination": "text",
        "immediate_origin": "text",
        "file_date": "date",
        "file_time": "text",
        "file_id_modifier": "text",
        "immediate_destination_name": "text",
        "immediate_origin_name": "text",
        "reference_code": "text",
        "batch_count": "integer",
        "block_count": "integer",
        "entry_addenda_count": "integer",
        "entry_hash": "text",
        "total_debit": _AMOUNT,
        "total_credit": _AMOUNT,
        "record": "text",
        "control_record": "text",
    },
}
