"""The tables of an OFX file: which element is which column, and what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from finport_ingestion.engine.convert.reading.ofx_markup import Element
from finport_ingestion.engine.convert.reading.ofx_values import Unreadable, amount, moment

Fields = dict[str, str | None]
Kinds = Mapping[str, str]
"""`text`, `money`, `number`, `moment` and `currency` (two columns each) or `json` (an aggregate), by tag."""

_CURRENCY: Kinds = {"CURRATE": "number", "CURSYM": "text"}
TRANSACTION: Kinds = {
    "TRNTYPE": "text",
    "DTPOSTED": "moment",
    "DTUSER": "moment",
    "DTAVAIL": "moment",
    "TRNAMT": "money",
    "FITID": "text",
    "CORRECTFITID": "text",
    "CORRECTACTION": "text",
    "SRVRTID": "text",
    "CHECKNUM": "text",
    "REFNUM": "text",
    "SIC": "text",
    "PAYEEID": "text",
    "NAME": "text",
    "EXTDNAME": "text",
    "MEMO": "text",
    "CURRENCY": "currency",
    "ORIGCURRENCY": "currency",
    "PAYEE": "json",
    "BANKACCTTO": "json",
    "CCACCTTO": "json",
    "SUBACCTFUND": "text",
}
INVESTMENT: Kinds = {
    "FITID": "text",
    "SRVRTID": "text",
    "REVERSALFITID": "text",
    "DTTRADE": "moment",
    "DTSETTLE": "moment",
    "MEMO": "text",
    "UNIQUEID": "text",
    "UNIQUEIDTYPE": "text",
    "UNITS": "number",
    "UNITPRICE": "number",
    "MARKUP": "number",
    "MARKDOWN": "number",
    "COMMISSION": "money",
    "TAXES": "money",
    "FEES": "money",
    "LOAD": "money",
    "WITHHOLDING": "money",
    "ACCRDINT": "money",
    "GAIN": "money",
    "TOTAL": "money",
    **_CURRENCY,
    "SUBACCTSEC": "text",
    "SUBACCTFUND": "text",
    "BUYTYPE": "text",
    "SELLTYPE": "text",
    "INCOMETYPE": "text",
    "POSTYPE": "text",
    "TFERACTION": "text",
    "INV401KSOURCE": "text",
}
POSITION: Kinds = {
    "UNIQUEID": "text",
    "UNIQUEIDTYPE": "text",
    "HELDINACCT": "text",
    "POSTYPE": "text",
    "UNITS": "number",
    "UNITPRICE": "number",
    "MKTVAL": "money",
    "AVGCOSTBASIS": "number",
    "DTPRICEASOF": "moment",
    **_CURRENCY,
    "MEMO": "text",
    "INV401KSOURCE": "text",
}
SECURITY: Kinds = {
    "UNIQUEID": "text",
    "UNIQUEIDTYPE": "text",
    "SECNAME": "text",
    "TICKER": "text",
    "FIID": "text",
    "RATING": "text",
    "UNITPRICE": "number",
    "DTASOF": "moment",
    **_CURRENCY,
    "MEMO": "text",
}
ACCOUNT: Kinds = {
    "BANKID": "text",
    "BRANCHID": "text",
    "BROKERID": "text",
    "ACCTID": "text",
    "ACCTTYPE": "text",
    "ACCTKEY": "text",
}
_LOGICAL = {"text": "text", "money": "decimal(18,2)", "number": "decimal(18,2)", "json": "json"}


def _columns(kinds: Kinds) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag, kind in kinds.items():
        name = tag.lower()
        if kind == "moment":
            found |= {name: "timestamp", f"{name}_utc": "timestamp(UTC)"}
        elif kind == "currency":
            prefix = name.removesuffix("currency")
            found |= {f"{prefix}cursym": "text", f"{prefix}currate": _LOGICAL["number"]}
        else:
            found[name] = _LOGICAL[kind]
    return found


_KEYS = {"statement": "integer", "kind": "text", **_columns(ACCOUNT), "curdef": "text"}
SCHEMA = {
    "transactions": {**_KEYS, "position": "integer", **_columns(TRANSACTION), "other": "json"},
    "investment_transactions": {
        **_KEYS,
        "position": "integer",
        "action": "text",
        **_columns(INVESTMENT),
        "other": "json",
    },
    "positions": {**_KEYS, "position": "integer", "position_kind": "text", **_columns(POSITION), "other": "json"},
    "balances": {
        **_KEYS,
        "name": "text",
        "amount": "decimal(18,2)",
        **_columns({"DTASOF": "moment"}),
        "description": "text",
        "balance_type": "text",
        "cursym": "text",
    },
    "accounts": {
        **_KEYS,
        "org": "text",
        "fid": "text",
        **_columns({"DTSTART": "moment", "DTEND": "moment", "DTASOF": "moment"}),
        "mktginfo": "text",
        "other": "json",
    },
    "securities": {"security_kind": "text", **_columns(SECURITY), "other": "json"},
}


def fields_of(elements: Iterable[Element], kinds: Kinds, faults: list[str]) -> Fields:
    """The columns of `kinds` out of leaves and aggregates; everything else in `other`, as JSON.

    What cannot be read is added to `faults`, by tag.
    """
    found: Fields = {}
    other: dict[str, list[object]] = {}
    for element in elements:
        kind = kinds.get(element.tag)
        if kind is None or element.tag.lower() in found:
            other.setdefault(element.tag, []).append(plain(element))
            continue
        try:
            found |= value_of(element, kind)
        except Unreadable as fault:
            faults.append(f"<{element.tag}> {fault}")
    if other:
        single = {tag: values[0] if len(values) == 1 else values for tag, values in other.items()}
        found["other"] = json.dumps(single, ensure_ascii=False, separators=(",", ":"))
    return found


def value_of(element: Element, kind: str) -> Fields:
    """One element as one column, or two of a moment. An empty one is null.

    Raises:
        Unreadable: It is not what `kind` says.
    """
    name, text = element.tag.lower(), element.text
    if kind == "currency":
        prefix, rate = name.removesuffix("currency"), element.value("CURRATE")
        exact = amount(rate, money=False) if rate else None
        return {f"{prefix}cursym": element.value("CURSYM"), f"{prefix}currate": exact}
    if kind == "json":
        return {name: json.dumps(plain(element), ensure_ascii=False, separators=(",", ":"))}
    if not text:
        return {name: None}
    if kind == "moment":
        written, exact = moment(text)
        return {name: written, f"{name}_utc": exact}
    return {name: text if kind == "text" else amount(text, money=kind == "money")}


def plain(element: Element) -> object:
    """A leaf as its text, an aggregate as an object of its children."""
    if not element.children:
        return element.text
    found: dict[str, object] = {}
    for child in element.children:
        value = plain(child)
        if child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[child.tag] = value
    return found
