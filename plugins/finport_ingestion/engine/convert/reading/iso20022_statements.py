"""Statements, reports and notifications (camt.052, 053, 054) as rows, with the sums that must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from finport_ingestion.engine.convert.reading.iso20022_fields import (
    account,
    agent,
    boolean_of,
    count_of,
    currency_of,
    day_and_moment,
    decimal_of,
    indicator_of,
    number,
    party,
    plus,
    reasons,
    remittance,
    required,
    signed,
)
from finport_ingestion.engine.convert.reading.xml_nodes import Node, spelled

_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_DETAILS = frozenset({"TxDtls"})
_PARTS = frozenset({"Ntry", "Bal"})
Values = dict[str, str | None]


@dataclass(slots=True)
class Statement:
    """One statement while its entries pass by."""

    keys: Values
    entries: list[Values] = field(default_factory=list)
    transactions: list[Values] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take_entry(self, node: Node) -> None:
        """Add an entry and its transactions.

        Raises:
            WrongField: An amount, date or flag is not what it should be.
        """
        found = len(self.entries) + 1
        details = list(node.all("NtryDtls/TxDtls"))
        self.entries.append({"entry_number": str(found), **_entry(node, details)})
        for at, detail in enumerate(details, start=1):
            keys = {"entry_number": str(found), "transaction_number": str(at)}
            self.transactions.append({**keys, **_transaction(detail)})
        for batch in node.all("NtryDtls"):
            stated, given = count_of(batch.first("Btch/NbOfTxs"), "batch_count"), sum(1 for _ in batch.all("TxDtls"))
            # A single one is often a summary of the batch.
            if stated and given > 1 and int(stated) != given:
                self.warnings.append(f"entry {found}: the batch states {stated} transactions, {given} are given")


def _entry(node: Node, details: list[Node]) -> Values:
    amount = node.first("Amt")
    total = node.first("NtryDtls/Btch/TtlAmt")
    return {
        "entry_reference": node.get("NtryRef"),
        "amount": required(decimal_of(amount, "amount"), node, "amount"),
        "currency": currency_of(amount),
        "credit_debit": indicator_of(node),
        "reversal": boolean_of(node.first("RvslInd"), "reversal"),
        "status": node.get("Sts/Cd", "Sts/Prtry", "Sts"),
        **day_and_moment(node, "BookgDt", "booking"),
        **day_and_moment(node, "ValDt", "value"),
        "servicer_reference": node.get("AcctSvcrRef"),
        **_bank_codes(node),
        "batch_message_id": node.get("NtryDtls/Btch/MsgId"),
        "batch_payment_information_id": node.get("NtryDtls/Btch/PmtInfId"),
        "batch_count": count_of(node.first("NtryDtls/Btch/NbOfTxs"), "batch_count"),
        "batch_amount": decimal_of(total, "batch_amount"),
        "batch_currency": currency_of(total),
        "transaction_count": str(len(details)),
        "first_end_to_end_id": next((found for d in details if (found := d.get("Refs/EndToEndId"))), None),
        "additional_info": node.get("AddtlNtryInf"),
        "raw": spelled(node, without=_DETAILS),
    }


def _bank_codes(node: Node) -> Values:
    return {
        "bank_domain": node.get("BkTxCd/Domn/Cd"),
        "bank_family": node.get("BkTxCd/Domn/Fmly/Cd"),
        "bank_subfamily": node.get("BkTxCd/Domn/Fmly/SubFmlyCd"),
        "bank_proprietary": node.get("BkTxCd/Prtry/Cd"),
        "bank_proprietary_issuer": node.get("BkTxCd/Prtry/Issr"),
    }


def _transaction(node: Node) -> Values:
    amount, instructed = node.first("Amt"), node.first("AmtDtls/InstdAmt/Amt")
    booked = node.first("AmtDtls/TxAmt/Amt")
    return {
        "message_id": node.get("Refs/MsgId"),
        "servicer_reference": node.get("Refs/AcctSvcrRef"),
        "payment_information_id": node.get("Refs/PmtInfId"),
        "instruction_id": node.get("Refs/InstrId"),
        "end_to_end_id": node.get("Refs/EndToEndId"),
        "uetr": node.get("Refs/UETR"),
        "transaction_id": node.get("Refs/TxId"),
        "mandate_id": node.get("Refs/MndtId"),
        "cheque_number": node.get("Refs/ChqNb"),
        "clearing_reference": node.get("Refs/ClrSysRef"),
        "amount": decimal_of(amount, "amount"),
        "currency": currency_of(amount),
        "credit_debit": node.get("CdtDbtInd"),
        "instructed_amount": decimal_of(instructed, "instructed_amount"),
        "instructed_currency": currency_of(instructed),
        "transaction_amount": decimal_of(booked, "transaction_amount"),
        "transaction_currency": currency_of(booked),
        "exchange_rate": decimal_of(
            node.first("AmtDtls/TxAmt/CcyXchg/XchgRate", "AmtDtls/InstdAmt/CcyXchg/XchgRate"), "exchange_rate"
        ),
        **_bank_codes(node),
        **_related(node),
        **remittance(node),
        "purpose": node.get("Purp/Cd", "Purp/Prtry"),
        **reasons(node, "RtrInf", "return"),
        "additional_info": node.get("AddtlTxInf"),
        "raw": spelled(node),
    }


def _related(node: Node) -> Values:
    return {
        **party(node.first("RltdPties/Dbtr"), "debtor"),
        **account(node.first("RltdPties/DbtrAcct"), "debtor"),
        **agent(node.first("RltdAgts/DbtrAgt"), "debtor_agent"),
        **party(node.first("RltdPties/UltmtDbtr"), "ultimate_debtor"),
        **party(node.first("RltdPties/Cdtr"), "creditor"),
        **account(node.first("RltdPties/CdtrAcct"), "creditor"),
        **agent(node.first("RltdAgts/CdtrAgt"), "creditor_agent"),
        **party(node.first("RltdPties/UltmtCdtr"), "ultimate_creditor"),
    }


def header(node: Node) -> Values:
    """The fields of a statement itself; `node` need not hold its entries."""
    return {
        "statement_id": node.get("Id"),
        "electronic_sequence": node.get("ElctrncSeqNb"),
        "legal_sequence": node.get("LglSeqNb"),
        "page": node.get("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb"),
        "last_page": boolean_of(
            node.first("StmtPgntn/LastPgInd", "RptPgntn/LastPgInd", "NtfctnPgntn/LastPgInd"), "last_page"
        ),
        "created_at": node.get("CreDtTm"),
        **_bound(node, "FrToDt/FrDtTm", "FrToDt/FrDt", "from"),
        **_bound(node, "FrToDt/ToDtTm", "FrToDt/ToDt", "to"),
        "copy_duplicate": node.get("CpyDplctInd"),
        "account_iban": node.get("Acct/Id/IBAN"),
        "account_other": node.get("Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id", "Acct/Id/BBAN"),
        "account_currency": node.get("Acct/Ccy"),
        "account_name": node.get("Acct/Nm"),
        "account_type": node.get("Acct/Tp/Cd", "Acct/Tp/Prtry"),
        **party(node.first("Acct/Ownr"), "owner"),
        **agent(node.first("Acct/Svcr"), "servicer"),
        "raw": spelled(node, without=_PARTS),
    }


def _bound(node: Node, moment: str, day: str, column: str) -> Values:
    path = moment if node.first(moment) else day
    return day_and_moment(node, path, column)


def balances(node: Node) -> Iterator[Values]:
    """The balances of a statement, in order."""
    for at, found in enumerate(node.all("Bal"), start=1):
        amount, line = found.first("Amt"), found.first("CdtLine/Amt")
        yield {
            "balance_number": str(at),
            "type": found.get("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "Tp/Prtry"),
            "subtype": found.get("Tp/SubTp/Cd", "Tp/SubTp/Prtry"),
            "amount": required(decimal_of(amount, "amount"), found, "amount"),
            "currency": currency_of(amount),
            "credit_debit": indicator_of(found),
            **day_and_moment(found, "Dt", "balance"),
            "credit_line_included": boolean_of(found.first("CdtLine/Incl"), "credit_line_included"),
            "credit_line_amount": decimal_of(line, "credit_line_amount"),
            "credit_line_currency": currency_of(line),
            "raw": spelled(found),
        }


def differences(node: Node, entries: list[Values], found: list[Values]) -> Iterator[str]:
    """In words, where the stated totals and balances do not follow from the entries."""
    yield from _balance_differences(entries, found)
    for path, indicator in (("TtlNtries", None), ("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
        stated = node.first(f"TxsSummry/{path}")
        if stated is None:
            continue
        these = [entry for entry in entries if indicator in (None, entry["credit_debit"])]
        count = count_of(stated.first("NbOfNtries"), "entry_count")
        if count is not None and int(count) != len(these):
            yield f"{path} states {count} entries, {len(these)} are given"
        total = decimal_of(stated.first("Sum"), "amount")
        if total is not None and number(total) != (given := _sum(entry["amount"] for entry in these)):
            yield f"{path} states a sum of {total}, the entries add up to {given}"


def _balance_differences(entries: list[Values], found: list[Values]) -> Iterator[str]:
    opening = next((b for kind in _OPENING for b in found if b["type"] == kind), None)
    closing = next((b for kind in _CLOSING for b in found if b["type"] == kind), None)
    if opening is None or closing is None:
        return
    booked = [entry for entry in entries if entry["status"] in (None, "BOOK")]
    currencies = {str(row["currency"]) for row in (opening, closing, *booked)}
    if len(currencies) > 1:
        yield f"the balances cannot be compared with the entries: they are in {', '.join(sorted(currencies))}"
        return
    start, end = (signed(b["amount"], b["credit_debit"]) for b in (opening, closing))
    moved = Decimal(0)
    for entry in booked:
        moved = plus(moved, signed(entry["amount"], entry["credit_debit"]))
    if plus(start, moved) != end:
        yield (
            f"opening balance {start} and booked entries {moved} give {plus(start, moved)}, "
            f"the closing balance is {end} {currencies.pop()}"
        )


def _sum(amounts: Iterator[str | None]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = plus(total, number(amount))
    return total
