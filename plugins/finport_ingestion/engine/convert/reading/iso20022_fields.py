"""Fields that all ISO 20022 messages share: amounts, dates, parties, accounts, agents, remittance."""

from __future__ import annotations

import re
from datetime import date
from decimal import Context, Decimal, Inexact

from finport_ingestion.engine.convert.reading.xml_nodes import Node

EXACT = Context(prec=200, traps=[Inexact])
"""Sums of numbers that have up to `_MOST_DIGITS` are exact in it."""
_MOST_DIGITS = 76  # that a decimal of Arrow has
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-4]):[0-5]\d:[0-6]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false"}


class WrongField(ValueError):
    """A field that is not what its type says: `rule` for a machine, the message, with its place, for a person."""

    def __init__(self, rule: str, message: str, *, column: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.column = column


def decimal_of(node: Node | None, column: str) -> str | None:
    """The number in an element as plain digits, none added or lost.

    Raises:
        WrongField: It holds no decimal.
    """
    if node is None:
        return None
    match = _DECIMAL.fullmatch(node.text.strip())
    if match is None or not (match.group(2) or match.group(3)):
        raise WrongField("not_a_number", f"line {node.line}: '{node.name}' is no decimal number", column=column)
    sign, whole, fraction = match.groups()
    if len(whole) + len(fraction or "") > _MOST_DIGITS:
        message = f"line {node.line}: '{node.name}' has more than {_MOST_DIGITS} digits"
        raise WrongField("too_many_digits", message, column=column)
    return ("-" if sign == "-" else "") + (whole or "0") + (f".{fraction}" if fraction else "")


def required(value: str | None, node: Node, column: str) -> str:
    """`value`, which every version of the message demands.

    Raises:
        WrongField: There is none.
    """
    if value is None:
        raise WrongField("missing", f"line {node.line}: '{node.name}' has no {column}", column=column)
    return value


def indicator_of(node: Node) -> str:
    """CRDT or DBIT.

    Raises:
        WrongField: It says something else, or nothing.
    """
    found = required(node.get("CdtDbtInd"), node, "credit_debit")
    if found not in ("CRDT", "DBIT"):
        message = f"line {node.line}: 'CdtDbtInd' is neither CRDT nor DBIT"
        raise WrongField("not_an_indicator", message, column="credit_debit")
    return found


def currency_of(node: Node | None) -> str | None:
    return node.attributes.get("Ccy") if node is not None else None


def date_of(node: Node | None, column: str) -> str | None:
    """The day of a date, or of a date and time, as delivered: no zone is applied.

    Raises:
        WrongField: It holds neither.
    """
    if node is None:
        return None
    text = node.text.strip()
    match = _DATE.fullmatch(text) or _MOMENT.fullmatch(text)
    try:
        return date.fromisoformat(match.group(1)).isoformat() if match else _wrong(node, column)
    except ValueError:
        return _wrong(node, column)


def _wrong(node: Node, column: str) -> str:
    raise WrongField("not_a_date", f"line {node.line}: '{node.name}' is no date that exists", column=column)


def day_and_moment(parent: Node, path: str, column: str) -> dict[str, str | None]:
    """`<column>_date` and, where a time is given, `<column>_at` as delivered; of `Dt`, `DtTm` or the element itself."""
    node = parent.first(f"{path}/Dt", f"{path}/DtTm", path)
    if node is None or not node.text.strip():
        return {}
    day = date_of(node, f"{column}_date")
    text = node.text.strip()
    return {f"{column}_date": day, f"{column}_at": text if "T" in text else None}


def boolean_of(node: Node | None, column: str) -> str | None:
    if node is None:
        return None
    found = _BOOLEANS.get(node.text.strip().lower())
    if found is None:
        raise WrongField("not_a_boolean", f"line {node.line}: '{node.name}' is neither true nor false", column=column)
    return found


def count_of(node: Node | None, column: str) -> str | None:
    if node is None:
        return None
    text = node.text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise WrongField("not_a_number", f"line {node.line}: '{node.name}' is no count", column=column)
    return str(int(text))


def number(text: str | None) -> Decimal:
    return EXACT.create_decimal(text or "0")


def signed(amount: str | None, indicator: str | None) -> Decimal:
    """An amount with the sign of its indicator."""
    found = number(amount)
    return EXACT.minus(found) if indicator == "DBIT" else found


def plus(one: Decimal, other: Decimal) -> Decimal:
    return EXACT.add(one, other)


def party(node: Node | None, prefix: str) -> dict[str, str | None]:
    """`<prefix>_name` and `<prefix>_id` of a party, which later versions wrap in `Pty`."""
    if node is None:
        return {}
    own = node.first("Pty", "Agt/FinInstnId", "FinInstnId") or node
    ids = ("Id/OrgId/LEI", "Id/OrgId/AnyBIC", "Id/OrgId/BICOrBEI", "Id/OrgId/Othr/Id", "Id/PrvtId/Othr/Id")
    return {f"{prefix}_name": own.get("Nm"), f"{prefix}_id": own.get(*ids, "LEI", "BICFI", "BIC")}


def account(node: Node | None, prefix: str) -> dict[str, str | None]:
    """`<prefix>_iban`, and `<prefix>_account` of an account that has another number."""
    if node is None:
        return {}
    return {f"{prefix}_iban": node.get("Id/IBAN"), f"{prefix}_account": node.get("Id/Othr/Id", "Id/PrtryAcct/Id")}


def agent(node: Node | None, prefix: str) -> dict[str, str | None]:
    """`<prefix>_bic` and `<prefix>_name` of a bank, and its number in a clearing system."""
    if node is None:
        return {}
    found = node.first("FinInstnId") or node
    return {
        f"{prefix}_bic": found.get("BICFI", "BIC", "CmbndId/BIC"),
        f"{prefix}_member": found.get("ClrSysMmbId/MmbId", "ClrSysMmbId/Prtry", "Othr/Id"),
        f"{prefix}_name": found.get("Nm", "CmbndId/Nm"),
    }


def remittance(node: Node) -> dict[str, str | None]:
    """What the payment is for: free text (one line an element) and the creditor's references."""
    info = node.first("RmtInf")
    if info is None:
        return {}
    references = (info.joined(f"Strd/CdtrRefInf/{name}") for name in ("Ref", "CdtrRef"))
    documents = (info.joined(f"Strd/RfrdDocInf/{name}") for name in ("Nb", "RfrdDocNb"))
    return {
        "remittance_text": info.joined("Ustrd"),
        "creditor_reference": next((found for found in references if found), None),
        "document_number": next((found for found in documents if found), None),
        "remittance_info": info.joined("Strd/AddtlRmtInf"),
    }


def reasons(node: Node, path: str, prefix: str) -> dict[str, str | None]:
    """`<prefix>_reason` (codes, one a line) and `<prefix>_info` of the reasons at a path."""
    codes = [code for found in node.all(path) if (code := found.get("Rsn/Cd", "Rsn/Prtry", "RtrRsn/Cd", "StsRsn/Cd"))]
    lines = [line for found in node.all(path) if (line := found.joined("AddtlInf"))]
    return {f"{prefix}_reason": "\n".join(codes) or None, f"{prefix}_info": "\n".join(lines) or None}
