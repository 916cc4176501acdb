"""ISO 20022 messages: rows, exact amounts, stated totals, and what is set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.xml_files import bad, likeness, raw_of, read, rows, warnings

_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def balance(kind: str, amount: str, indicator: str = "CRDT", currency: str = "EUR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{indicator}</CdtDbtInd><Dt><Dt>2026-01-02</Dt></Dt></Bal>"
    )


def entry(amount: str, indicator: str = "CRDT", status: str = "<Cd>BOOK</Cd>", more: str = "") -> str:
    return (
        f"<Ntry><NtryRef>0012</NtryRef><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{indicator}</CdtDbtInd>"
        f"<Sts>{status}</Sts><BookgDt><DtTm>2026-01-02T23:30:00-05:00</DtTm></BookgDt>"
        f"<ValDt><Dt>2026-01-03</Dt></ValDt>{more}</Ntry>"
    )


def statement(*parts: str, number: int = 1) -> str:
    return (
        f"<Stmt><Id>S{number}</Id><Acct><Id><IBAN>DE0212030000000020205{number}</IBAN></Id></Acct>"
        f"{''.join(parts)}</Stmt>\n"
    )


def camt(*statements: str, prefix: str = "") -> str:
    text = (
        f"<Document xmlns='{_CAMT}'><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>{''.join(statements)}"
        "</BkToCstmrStmt></Document>"
    )
    if prefix:
        text = text.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
        text = text.replace("xmlns=", f"xmlns:{prefix}=")
    return text


def test_amounts_and_dates_are_as_delivered(tmp_path: Path) -> None:
    batches = read("iso20022", raw_of(tmp_path, camt(statement(entry("12345678901234567.12345"), entry(".50")))))
    [first, second] = rows(batches, "entries")
    assert first["amount"] == "12345678901234567.12345"
    assert second["amount"] == "0.50"
    assert (first["booking_date"], first["booking_at"]) == ("2026-01-02", "2026-01-02T23:30:00-05:00")
    assert (first["value_date"], first["status"], first["currency"]) == ("2026-01-03", "BOOK", "EUR")
    assert (first["entry_reference"], first["statement_id"], first["entry_number"]) == ("0012", "S1", "1")
    assert batches[0].table == "entries"
    assert batches[0].types["amount"] == "decimal(18,2)"


@pytest.mark.parametrize("prefix", ["", "camt", "n0"])
def test_the_prefix_does_not_matter(tmp_path: Path, prefix: str) -> None:
    batches = read("iso20022", raw_of(tmp_path, camt(statement(entry("1.00")), prefix=prefix)))
    assert [row["amount"] for row in rows(batches, "entries")] == ["1.00"]


def test_balances_that_follow_from_the_entries_are_not_mentioned(tmp_path: Path) -> None:
    parts = (
        balance("OPBD", "5.00", "DBIT"),
        balance("CLBD", "0.10"),
        entry("10.10"),
        entry("5.00", "DBIT"),
        entry("99", status="PDNG"),
    )
    batches = read("iso20022", raw_of(tmp_path, camt(statement(*parts))))
    assert warnings(batches) == []
    assert [row["type"] for row in rows(batches, "balances")] == ["OPBD", "CLBD"]


def test_a_balance_that_does_not_follow_is_said_with_its_figures(tmp_path: Path) -> None:
    parts = (balance("OPBD", "5.00"), balance("CLBD", "15.11"), entry("10.10"))
    [warning] = warnings(read("iso20022", raw_of(tmp_path, camt(statement(*parts)))))
    assert "5.00" in warning
    assert "15.10" in warning
    assert "15.11 EUR" in warning


def test_summaries_are_compared(tmp_path: Path) -> None:
    summary = (
        "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>"
        "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>2.00</Sum></TtlCdtNtries></TxsSummry>"
    )
    found = warnings(read("iso20022", raw_of(tmp_path, camt(statement(summary, entry("1.99"), entry("1", "DBIT"))))))
    assert [text.partition(": ")[2] for text in found] == [
        "TtlNtries states 3 entries, 2 are given",
        "TtlCdtNtries states a sum of 2.00, the entries add up to 1.99",
    ]


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (entry("1,00"), "not_a_number"),
        (entry("1E2"), "not_a_number"),
        (entry("1.00", "CREDIT"), "not_an_indicator"),
        (entry("1.00").replace("2026-01-03", "2026-02-30"), "not_a_date"),
        (entry("1.00").replace("<Amt Ccy='EUR'>1.00</Amt>", ""), "missing"),
        (balance("OPBD", "x"), "not_a_number"),
    ],
)
def test_a_bad_field_sets_its_statement_aside_and_no_other(tmp_path: Path, broken: str, rule: str) -> None:
    content = camt(statement(entry("1.00")), statement(entry("2.00"), broken, number=2), statement(number=3))
    batches = read("iso20022", raw_of(tmp_path, content))
    assert [row["amount"] for row in rows(batches, "entries")] == ["1.00"]
    assert [row["statement_id"] for row in rows(batches, "statements")] == ["S1", "S3"]
    [record] = bad(batches)
    assert (record.rule, record.table, record.row) == (rule, "statements", 2)
    assert record.reason.startswith("line 2")
    assert "<Id>S2</Id>" in record.text
    assert "2.00" in record.text


@pytest.mark.parametrize("digits", [77, 250, 5_000])
def test_numbers_of_more_digits_than_a_decimal_has_set_their_statement_aside(tmp_path: Path, digits: int) -> None:
    summary = f"<TxsSummry><TtlNtries><NbOfNtries>{'9' * digits}</NbOfNtries></TtlNtries></TxsSummry>"
    statements = (
        statement(entry("9" * digits), balance("OPBD", "0"), balance("CLBD", "1")),
        statement(entry(f"0.{'1' * digits}"), number=2),
        statement(summary, entry("1"), number=3),
        statement(entry("9" * 76), number=4),
    )
    batches = read("iso20022", raw_of(tmp_path, camt(*statements)))
    assert [row["statement_id"] for row in rows(batches, "statements")] == ["S4"]
    assert [found.row for found in bad(batches)] == [1, 2, 3]


def test_transactions_of_an_entry_have_their_parties_and_references(tmp_path: Path) -> None:
    details = (
        "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy='USD'>1.10</Amt>"
        "<RltdPties><Dbtr><Pty><Nm>A &amp; B</Nm></Pty></Dbtr>"
        "<DbtrAcct><Id><Othr><Id>00123</Id></Othr></Id></DbtrAcct></RltdPties>"
        "<RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf>"
        "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls><TxDtls/></NtryDtls>"
    )
    batches = read("iso20022", raw_of(tmp_path, camt(statement(entry("1", more=details)))))
    [first, second] = rows(batches, "transactions")
    assert first["debtor_name"] == "A & B"
    assert first["debtor_account"] == "00123"
    assert first["remittance_text"] == "one\ntwo"
    assert (first["creditor_reference"], first["return_reason"], first["amount"]) == ("RF18", "AC04", "1.10")
    assert second["transaction_number"] == "2"
    assert rows(batches, "entries")[0]["first_end_to_end_id"] == "E1"


def pain(count: int, total: str, *blocks: str, message: str = "pain.001.001.09") -> str:
    container = {"pain.001": "CstmrCdtTrfInitn", "pacs.008": "FIToFICstmrCdtTrf"}[message[:8]]
    return (
        f"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:{message}'><{container}><GrpHdr><MsgId>M1</MsgId>"
        f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum></GrpHdr>\n{''.join(blocks)}</{container}></Document>"
    )


def block(*amounts: str, name: str = "P1", total: str = "") -> str:
    return (
        f"<PmtInf><PmtInfId>{name}</PmtInfId>{total}<ReqdExctnDt><Dt>2026-03-02</Dt></ReqdExctnDt>"
        "<Dbtr><Nm>We</Nm></Dbtr>"
        + "".join(
            f"<CdtTrfTxInf><PmtId><EndToEndId>{name}-{number}</EndToEndId></PmtId>"
            f"<Amt><InstdAmt Ccy='CHF'>{amount}</InstdAmt></Amt></CdtTrfTxInf>"
            for number, amount in enumerate(amounts, start=1)
        )
        + "</PmtInf>\n"
    )


def test_payments_have_what_their_block_and_message_say(tmp_path: Path) -> None:
    batches = read("iso20022", raw_of(tmp_path, pain(3, "6.00", block("1.00", "2.00"), block("3.00", name="P2"))))
    found = rows(batches, "payments")
    assert [(row["payment_information_id"], row["end_to_end_id"], row["amount"]) for row in found] == [
        ("P1", "P1-1", "1.00"),
        ("P1", "P1-2", "2.00"),
        ("P2", "P2-1", "3.00"),
    ]
    assert {(row["requested_date"], row["debtor_name"], row["message_id"]) for row in found} == {
        ("2026-03-02", "We", "M1")
    }
    assert warnings(batches) == []


def test_stated_counts_and_sums_are_compared_at_both_levels(tmp_path: Path) -> None:
    total = "<NbOfTxs>2</NbOfTxs><CtrlSum>1.01</CtrlSum>"
    found = warnings(read("iso20022", raw_of(tmp_path, pain(1, "2", block("1.00", total=total)))))
    assert len(found) == 3
    assert "states 2 transactions (NbOfTxs), 1 are given" in found[0]
    assert "control sum of 1.01 (CtrlSum), the transactions add up to 1.00" in found[1]
    assert "control sum of 2 (CtrlSum), the transactions add up to 1.00" in found[2]


def test_a_bad_payment_sets_its_block_aside(tmp_path: Path) -> None:
    batches = read("iso20022", raw_of(tmp_path, pain(3, "9", block("1.00", "x"), block("3.00", name="P2"))))
    assert [row["end_to_end_id"] for row in rows(batches, "payments")] == ["P2-1"]
    [record] = bad(batches)
    assert record.table == "payment_informations"
    assert "P1-1" in record.text


def test_between_banks_the_message_is_the_unit(tmp_path: Path) -> None:
    def transfer(amount: str) -> str:
        return (
            f"<CdtTrfTxInf><PmtId><UETR>u-{amount}</UETR></PmtId><IntrBkSttlmAmt Ccy='EUR'>{amount}</IntrBkSttlmAmt>"
            "<InstdAmt Ccy='USD'>9</InstdAmt></CdtTrfTxInf>"
        )

    good = pain(2, "3", transfer("1"), transfer("2"), message="pacs.008.001.10")
    batches = read("iso20022", raw_of(tmp_path, good))
    assert [(row["amount"], row["currency"], row["instructed_amount"]) for row in rows(batches, "payments")] == [
        ("1", "EUR", "9"),
        ("2", "EUR", "9"),
    ]
    assert warnings(batches) == []
    batches = read("iso20022", raw_of(tmp_path, pain(2, "3", transfer("1"), transfer("?"), message="pacs.008.001.10")))
    assert rows(batches, "payments") == []
    [record] = bad(batches)
    assert record.table == "messages"
    assert "u-1" in record.text


def test_a_status_report_is_a_row_for_each_status(tmp_path: Path) -> None:
    content = (
        "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId>"
        "</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>{}"
        "</CstmrPmtStsRpt></Document>"
    )
    block = (
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId>"
        "<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>no</AddtlInf></StsRsnInf></TxInfAndSts>"
        "</OrgnlPmtInfAndSts>"
    )
    batches = read("iso20022", raw_of(tmp_path, content.format(block)))
    [above, one] = rows(batches, "statuses")
    assert above["level"] == "payment information"
    assert (one["status"], one["status_reason"], one["status_info"]) == ("RJCT", "AC01", "no")
    assert (one["original_message_id"], one["original_payment_information_id"]) == ("M1", "P1")
    [group] = rows(read("iso20022", raw_of(tmp_path, content.format(""))), "statuses")
    assert (group["level"], group["status"]) == ("group", "PART")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (camt(), "without any statement"),
        (
            "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:seev.031.001.09'><CorpActnNtfctn/></Document>",
            "none of the",
        ),
        (camt(statement(entry("1")))[:-40], "no well-formed XML"),
        ("<!DOCTYPE Document [<!ENTITY x 'y'>]>" + camt(), "defines entities"),
        ("", "is empty"),
    ],
)
def test_what_is_no_whole_message_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read("iso20022", raw_of(tmp_path, content))
    assert caught.value.hint


def test_messages_in_an_envelope_are_found(tmp_path: Path) -> None:
    batches = read("iso20022", raw_of(tmp_path, f"<Env><AppHdr/>{camt(statement(entry('1')))}</Env>"))
    assert len(rows(batches, "entries")) == 1


def test_a_message_is_recognised_in_any_encoding(tmp_path: Path) -> None:
    for content in (camt(statement()), f"<Env><AppHdr/>{camt(statement())}</Env>"):
        for codec in ("utf-8", "utf-16"):
            found = likeness("iso20022", tmp_path, content.encode(codec))
            assert found is not None
            assert found.confidence >= 0.9
    assert likeness("iso20022", tmp_path, b"<Document xmlns='urn:x'/>") is None
