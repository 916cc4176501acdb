"""What became of payments (pain.002, pacs.002), and the question after it (pacs.028), as rows."""

from __future__ import annotations

from finport_ingestion.engine.convert.reading.iso20022_fields import (
    currency_of,
    day_and_moment,
    decimal_of,
    reasons,
    remittance,
)
from finport_ingestion.engine.convert.reading.iso20022_payments import parties
from finport_ingestion.engine.convert.reading.xml_nodes import Node, spelled

STATUSES = frozenset({"TxInfAndSts", "TxInf"})
_ORIGINAL = ("OrgnlGrpInfAndSts", "OrgnlGrpInf", "OrgnlGrpInfAndCxl")
Values = dict[str, str | None]


def transaction(node: Node) -> Values:
    """The status of one payment.

    Raises:
        WrongField: An amount or a date is not what it should be.
    """
    reference = node.first("OrgnlTxRef") or Node("OrgnlTxRef", "", node.line)
    amount = reference.first("IntrBkSttlmAmt", "Amt/InstdAmt", "Amt/EqvtAmt/Amt")
    return {
        "level": "transaction",
        "status_id": node.get("StsId", "StsReqId"),
        "original_message_id": node.get("OrgnlGrpInf/OrgnlMsgId"),
        "original_message_name": node.get("OrgnlGrpInf/OrgnlMsgNmId"),
        "original_instruction_id": node.get("OrgnlInstrId"),
        "original_end_to_end_id": node.get("OrgnlEndToEndId"),
        "original_transaction_id": node.get("OrgnlTxId"),
        "original_uetr": node.get("OrgnlUETR"),
        "status": node.get("TxSts"),
        **reasons(node, "StsRsnInf", "status"),
        "accepted_at": node.get("AccptncDtTm"),
        "servicer_reference": node.get("AcctSvcrRef"),
        "clearing_reference": node.get("ClrSysRef"),
        "amount": decimal_of(amount, "amount"),
        "currency": currency_of(amount),
        **day_and_moment(reference, "IntrBkSttlmDt", "settlement"),
        **day_and_moment(reference, "ReqdExctnDt" if reference.first("ReqdExctnDt") else "ReqdColltnDt", "requested"),
        **parties(reference),
        **remittance(reference),
        "raw": spelled(node),
    }


def payment_information(node: Node) -> Values:
    """The status of a payment information block as a whole."""
    return {
        "level": "payment information",
        "original_payment_information_id": node.get("OrgnlPmtInfId"),
        "payment_information_status": node.get("PmtInfSts"),
        "status": node.get("PmtInfSts"),
        **reasons(node, "StsRsnInf", "status"),
        "raw": spelled(node, without=STATUSES),
    }


def original_group(node: Node) -> Values:
    """What a report says of the message that it answers."""
    found = node.first(*_ORIGINAL) or Node("", "", node.line)
    count = found.get("OrgnlNbOfTxs")
    return {
        "original_message_id": found.get("OrgnlMsgId"),
        "original_message_name": found.get("OrgnlMsgNmId"),
        "original_created_at": found.get("OrgnlCreDtTm"),
        "original_count": count if count and count.isascii() and count.isdigit() else None,
        "original_sum": decimal_of(found.first("OrgnlCtrlSum"), "original_sum"),
        "group_status": found.get("GrpSts"),
        **reasons(found, "StsRsnInf", "status"),
        "raw": spelled(found),
    }
