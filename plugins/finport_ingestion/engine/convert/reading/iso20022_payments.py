"""Payments ordered, sent, collected and returned (pain.001, pain.008, pacs.003, 004, 008, 009) as rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from finport_ingestion.engine.convert.reading.iso20022_fields import (
    account,
    agent,
    boolean_of,
    count_of,
    currency_of,
    date_of,
    day_and_moment,
    decimal_of,
    number,
    party,
    plus,
    reasons,
    remittance,
    required,
)
from finport_ingestion.engine.convert.reading.xml_nodes import Node, spelled

PAYMENTS = frozenset({"CdtTrfTxInf", "DrctDbtTxInf", "TxInf"})
Values = dict[str, str | None]
_AMOUNTS = ("Amt/InstdAmt", "InstdAmt", "Amt/EqvtAmt/Amt", "IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt")
_SETTLED = ("IntrBkSttlmAmt", "RtrdIntrBkSttlmAmt")


def payment(node: Node, *, between_banks: bool) -> Values:
    """One payment; `between_banks` is said of pacs messages, whose amount is the one that settles.

    Raises:
        WrongField: An amount, date or flag is not what it should be.
    """
    amount = node.first(*(_SETTLED if between_banks else _AMOUNTS))
    instructed = node.first("InstdAmt", "Amt/InstdAmt", "RtrdInstdAmt")
    original = node.first("OrgnlIntrBkSttlmAmt", "OrgnlTxRef/IntrBkSttlmAmt", "OrgnlTxRef/Amt/InstdAmt")
    return {
        **_identifiers(node),
        "amount": required(decimal_of(amount, "amount"), node, "amount"),
        "currency": currency_of(amount),
        "instructed_amount": decimal_of(instructed, "instructed_amount"),
        "instructed_currency": currency_of(instructed),
        "original_amount": decimal_of(original, "original_amount"),
        "original_currency": currency_of(original),
        "exchange_rate": decimal_of(node.first("XchgRate", "XchgRateInf/XchgRate"), "exchange_rate"),
        "charge_bearer": node.get("ChrgBr"),
        **_terms(node),
        **_mandate(node),
        **parties(node),
        **day_and_moment(node, "IntrBkSttlmDt", "settlement"),
        **agent(node.first("InstgAgt"), "instructing_agent"),
        **agent(node.first("InstdAgt"), "instructed_agent"),
        "purpose": node.get("Purp/Cd", "Purp/Prtry"),
        **remittance(node),
        "raw": spelled(node),
    }


def _identifiers(node: Node) -> Values:
    return {
        "instruction_id": node.get("PmtId/InstrId"),
        "end_to_end_id": node.get("PmtId/EndToEndId"),
        "transaction_id": node.get("PmtId/TxId"),
        "uetr": node.get("PmtId/UETR"),
        "clearing_reference": node.get("PmtId/ClrSysRef", "OrgnlClrSysRef"),
        "return_id": node.get("RtrId"),
        "original_message_id": node.get("OrgnlGrpInf/OrgnlMsgId"),
        "original_instruction_id": node.get("OrgnlInstrId"),
        "original_end_to_end_id": node.get("OrgnlEndToEndId"),
        "original_transaction_id": node.get("OrgnlTxId"),
        "original_uetr": node.get("OrgnlUETR"),
        **reasons(node, "RtrRsnInf", "return"),
    }


def parties(node: Node) -> Values:
    """Who pays whom, of a payment or of what is above it."""
    return {
        **party(node.first("Dbtr"), "debtor"),
        **account(node.first("DbtrAcct"), "debtor"),
        **agent(node.first("DbtrAgt"), "debtor_agent"),
        **party(node.first("UltmtDbtr"), "ultimate_debtor"),
        **party(node.first("Cdtr"), "creditor"),
        **account(node.first("CdtrAcct"), "creditor"),
        **agent(node.first("CdtrAgt"), "creditor_agent"),
        **party(node.first("UltmtCdtr"), "ultimate_creditor"),
    }


def _terms(node: Node) -> Values:
    kind = "PmtTpInf"
    return {
        "service_level": node.get(f"{kind}/SvcLvl/Cd", f"{kind}/SvcLvl/Prtry"),
        "local_instrument": node.get(f"{kind}/LclInstrm/Cd", f"{kind}/LclInstrm/Prtry"),
        "category_purpose": node.get(f"{kind}/CtgyPurp/Cd", f"{kind}/CtgyPurp/Prtry", f"{kind}/CtgyPurp"),
        "sequence_type": node.get(f"{kind}/SeqTp"),
        "priority": node.get(f"{kind}/InstrPrty"),
    }


def _mandate(node: Node) -> Values:
    debit = "DrctDbtTx"
    return {
        "mandate_id": node.get(f"{debit}/MndtRltdInf/MndtId"),
        "mandate_signed_date": date_of(node.first(f"{debit}/MndtRltdInf/DtOfSgntr"), "mandate_signed_date"),
        "creditor_scheme_id": node.get(f"{debit}/CdtrSchmeId/Id/PrvtId/Othr/Id", "CdtrSchmeId/Id/PrvtId/Othr/Id"),
    }


def common(node: Node) -> Values:
    """What a payment information block or a group header says of all its payments."""
    return {
        "payment_information_id": node.get("PmtInfId"),
        "payment_method": node.get("PmtMtd"),
        "batch_booking": boolean_of(node.first("BtchBookg"), "batch_booking"),
        **day_and_moment(node, "ReqdExctnDt" if node.first("ReqdExctnDt") else "ReqdColltnDt", "requested"),
        **day_and_moment(node, "IntrBkSttlmDt", "settlement"),
        "charge_bearer": node.get("ChrgBr"),
        **_terms(node),
        "creditor_scheme_id": node.get("CdtrSchmeId/Id/PrvtId/Othr/Id"),
        **parties(node),
        **agent(node.first("InstgAgt"), "instructing_agent"),
        **agent(node.first("InstdAgt"), "instructed_agent"),
    }


def over(below: Values, above: Values) -> Values:
    """The values of a payment, with those of what is above it where it states none."""
    return {**below, **{name: value for name, value in above.items() if value is not None}}


def group(node: Node) -> Values:
    """The fields of a group header."""
    total = node.first("TtlIntrBkSttlmAmt", "TtlRtrdIntrBkSttlmAmt")
    return {
        "message_id": node.get("MsgId"),
        "created_at": node.get("CreDtTm", "CreDt"),
        **stated(node),
        "settlement_amount": decimal_of(total, "settlement_amount"),
        "settlement_currency": currency_of(total),
        **day_and_moment(node, "IntrBkSttlmDt", "settlement"),
        "settlement_method": node.get("SttlmInf/SttlmMtd"),
        "raw": spelled(node),
    }


def stated(node: Node) -> Values:
    """Count and sum as a header states them."""
    return {
        "stated_count": count_of(node.first("NbOfTxs"), "stated_count"),
        "stated_sum": decimal_of(node.first("CtrlSum"), "stated_sum"),
    }


def differences(header: Values, payments: list[Values], *, what: str) -> Iterator[str]:
    """In words, where the stated count and sums do not follow from the payments."""
    count, total = header.get("stated_count"), header.get("stated_sum")
    if count is not None and int(count) != len(payments):
        yield f"{what} states {count} transactions (NbOfTxs), {len(payments)} are given"
    given = Decimal(0)
    for row in payments:
        given = plus(given, number(row["amount"]))
    if total is not None and number(total) != given:
        yield f"{what} states a control sum of {total} (CtrlSum), the transactions add up to {given}"
    settled = header.get("settlement_amount")
    if settled is not None and number(settled) != given:
        yield f"{what} states a total settlement amount of {settled}, the transactions add up to {given}"
