from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.reading.ofx_values import Unreadable, amount, moment
from finport_ingestion.engine.errors import FinportError, FormatError
from finport_ingestion.engine.limits import ReadLimits
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\nCOMPRESSION:NONE\n\n"
SGML = f"""{HEADER}<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><LANGUAGE><FI><ORG>Bank<FID>7</FI>
</SONRS></SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>012<ACCTID>00045<ACCTTYPE>CHECKING
</BANKACCTFROM><BANKTRANLIST><DTSTART>20240101<DTEND>20240131
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240102120000.250[-5:EST]<TRNAMT>-1.50<FITID>0001<CHECKNUM>0012<MEMO>A & B &lt;x&gt;
<CURRENCY><CURRATE>1.10<CURSYM>EUR</CURRENCY></STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20240103<TRNAMT>2,5<FITID>0002<NAME>Zürich</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>100.00<DTASOF>20240131</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<OFX><!-- made by hand --><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>EUR</CURDEF>
<CCACCTFROM><ACCTID>4111</ACCTID></CCACCTFROM><BANKTRANLIST><STMTTRN><TRNTYPE>DEBIT</TRNTYPE>
<DTPOSTED>20240102</DTPOSTED><TRNAMT>-3.00</TRNAMT><FITID>X</FITID><NAME><![CDATA[A <b> & c]]></NAME><MEMO/>
<PAYEE><NAME>P</NAME><CITY>C</CITY></PAYEE><EXTRA>e</EXTRA></STMTTRN></BANKTRANLIST>
<LEDGERBAL><BALAMT>-3.00</BALAMT><DTASOF>20240102</DTASOF></LEDGERBAL></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>
"""
INVESTMENT = """<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>20240131<CURDEF>USD
<INVACCTFROM><BROKERID>b.com<ACCTID>007</INVACCTFROM><INVTRANLIST><DTSTART>20240101<DTEND>20240131
<BUYSTOCK><INVBUY><INVTRAN><FITID>1<DTTRADE>20240105</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID>
<UNITS>10.123<UNITPRICE>00185.25<COMMISSION>1.00<TOTAL>-1853.50</INVBUY><BUYTYPE>BUY</BUYSTOCK>
<INVBANKTRAN><STMTTRN><TRNTYPE>INT<DTPOSTED>20240106<TRNAMT>+000.0400<FITID>2</STMTTRN><SUBACCTFUND>CASH</INVBANKTRAN>
</INVTRANLIST><INVPOSLIST><POSSTOCK><INVPOS><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><UNITS>10.123
<UNITPRICE>186<MKTVAL>1882.88<DTPRICEASOF>20240131</INVPOS></POSSTOCK></INVPOSLIST><INVBAL><AVAILCASH>5.00
<BALLIST><BAL><NAME>Net<VALUE>9.00</BAL></BALLIST></INVBAL></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>
<SECLISTMSGSRSV1><SECLIST><STOCKINFO><SECINFO><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><SECNAME>Apple
<TICKER>AAPL</SECINFO></STOCKINFO></SECLIST></SECLISTMSGSRSV1></OFX>
"""


def ofx(folder: Path, text: str, *, encoding: str = "cp1252", **options: Any) -> Found:
    return read_bytes(folder, text.encode(encoding), format="ofx", **options)


def test_leaves_that_are_not_closed_are_read(tmp_path: Path) -> None:
    found = ofx(tmp_path, SGML)
    assert not found.bad
    one, two = found.rows("transactions")
    assert (one["bankid"], one["acctid"], one["curdef"]) == ("012", "00045", "USD")
    assert (one["trnamt"], one["fitid"], one["checknum"], one["memo"]) == ("-1.50", "0001", "0012", "A & B <x>")
    assert (one["dtposted"], one["dtposted_utc"]) == ("2024-01-02T12:00:00.250000", "2024-01-02T17:00:00.250000Z")
    assert (one["cursym"], one["currate"]) == ("EUR", "1.10")
    assert (two["trnamt"], two["dtposted"], two["dtposted_utc"]) == ("2.5", "2024-01-03T00:00:00", None)
    assert two["name"] == "Zürich"
    assert found.rows("accounts")[0]["org"] == "Bank"
    assert found.column("amount", "balances") == ["100.00"]


def test_xml_is_read_with_its_literal_text(tmp_path: Path) -> None:
    [row] = ofx(tmp_path, XML, encoding="utf-8").rows("transactions")
    assert (row["kind"], row["acctid"], row["name"], row["memo"]) == ("credit card", "4111", "A <b> & c", None)
    assert json.loads(row["payee"]) == {"NAME": "P", "CITY": "C"}
    assert json.loads(row["other"]) == {"EXTRA": "e"}


def test_investments_have_trades_positions_balances_and_securities(tmp_path: Path) -> None:
    found = ofx(tmp_path, INVESTMENT)
    [trade] = found.rows("investment_transactions")
    assert (trade["action"], trade["uniqueid"], trade["units"]) == ("BUYSTOCK", "037833100", "10.123")
    assert (trade["unitprice"], trade["total"], trade["dttrade"]) == ("185.25", "-1853.50", "2024-01-05T00:00:00")
    assert found.column("trnamt", "transactions") == ["0.0400"]
    assert found.column("mktval", "positions") == ["1882.88"]
    assert [(r["name"], r["amount"]) for r in found.rows("balances")] == [("AVAILCASH", "5.00"), ("Net", "9.00")]
    assert found.column("ticker", "securities") == ["AAPL"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("<TRNAMT>-1.50", "<TRNAMT>$1.50", "line 11, <STMTTRN>: <TRNAMT> is not an amount"),
        ("<TRNAMT>-1.50", "<TRNAMT>1,500", "<TRNAMT> has a comma before three digits"),
        ("<TRNAMT>-1.50", "", "<TRNAMT> is missing"),
        ("20240102120000.250", "20240230120000", "<DTPOSTED> is no moment"),
        ("[-5:EST]", "[-5.07:EST]", "<DTPOSTED> states an offset"),
        ("<BALAMT>100.00", "<BALAMT>1OO", "<BALAMT> is not an amount"),
        ("</STMTTRN>\n<STMTTRN>", "\n<STMTTRN>", "<STMTTRN> is not closed"),
        ("<BANKACCTFROM>", "<X>", "without <BANKACCTFROM>"),
    ],
)
def test_a_statement_with_what_cannot_be_read_is_set_aside(tmp_path: Path, before: str, after: str, said: str) -> None:
    other = SGML[SGML.index("<STMTTRNRS>") : SGML.index("</BANKMSGSRSV1>")].replace("00045", "00046")
    found = ofx(tmp_path, SGML.replace("</BANKMSGSRSV1>", other + "</BANKMSGSRSV1>", 1).replace(before, after, 1))
    assert found.column("acctid", "accounts") == ["00046"]
    assert set(found.column("acctid", "transactions")) == {"00046"}
    [bad] = found.bad
    assert said in bad.reason
    assert bad.text.startswith("<STMTRS>")


def test_a_balance_without_an_amount_is_null_and_said(tmp_path: Path) -> None:
    found = ofx(tmp_path, SGML.replace("<BALAMT>100.00", "<BALAMT></BALAMT>"))
    assert found.column("amount", "balances") == [None]
    assert "the balance has no amount" in found.warnings


def test_a_cut_file_sets_the_open_statement_aside(tmp_path: Path) -> None:
    found = ofx(tmp_path, SGML[: SGML.index("<LEDGERBAL>")])
    assert found.rows("transactions") == []
    assert [bad.rule for bad in found.bad] == ["cut"]
    assert "does not end with </OFX>" in found.warnings


def test_an_error_that_the_server_answers_is_said(tmp_path: Path) -> None:
    found = ofx(tmp_path, SGML.replace("<CODE>0<SEVERITY>INFO", "<CODE>2000<SEVERITY>ERROR"))
    assert "error 2000" in found.warnings


def test_the_header_states_the_encoding_and_a_wrong_one_is_said(tmp_path: Path) -> None:
    assert "UTF-8" in ofx(tmp_path, SGML, encoding="utf-8").warnings
    right = read_bytes(tmp_path, SGML.encode("utf-8"), format="ofx", encoding="utf-8")
    assert right.column("name", "transactions")[1] == "Zürich"
    utf16 = read_bytes(tmp_path, SGML.encode("utf-16"), format="ofx")
    assert utf16.column("name", "transactions")[1] == "Zürich"


def test_bytes_that_are_not_of_the_encoding_set_the_statement_aside(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, XML.encode().replace(b"A <b>", b"A \xff"), format="ofx")
    assert "bytes that are not utf-8" in found.bad[0].reason
    elsewhere = read_bytes(
        tmp_path, SGML.encode("utf-8").replace(b"<ORG>Bank", b"<ORG>B\xffnk"), format="ofx", encoding="utf-8"
    )
    assert elsewhere.column("org", "accounts") == [r"B\xffnk"]
    assert not elsewhere.bad


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "plain text",
        "<html><body>login</body></html>",
        "<OFX></OFX>",
        HEADER,
        "<!DOCTYPE x [<!ENTITY a 'b'>]><OFX><STMTRS>&a;</STMTRS></OFX>",
        "<OFX><!-- never closed",
    ],
)
def test_what_is_no_ofx_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        ofx(tmp_path, text)
    assert caught.value.hint


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nested deeper than 50"):
        ofx(tmp_path, "<OFX>" + "<STMTRS>" * 60, limits=ReadLimits(nesting=50))


def test_it_is_recognised_with_and_without_header() -> None:
    for text in (SGML, XML, INVESTMENT):
        likeness = recognised("ofx", text)
        assert likeness is not None
        assert likeness.confidence > 0.9
    assert recognised("ofx", "<?xml version='1.0'?><Document/>") is None


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("20240101[5.30:IST]", "2023-12-31T18:30:00Z"),
        ("20240101000000[-3.5:NST]", "2024-01-01T03:30:00Z"),
        ("20240101[GMT]", "2024-01-01T00:00:00Z"),
        ("20240101[0:GMT]", "2024-01-01T00:00:00Z"),
        ("20240101[EST]", None),
    ],
)
def test_moments_are_exact_where_the_offset_is_stated(text: str, exact: str | None) -> None:
    assert moment(text)[1] == exact


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**12, min_value=-(10**12)))
def test_amounts_come_back_exactly(value: Any) -> None:
    assert amount(f"{value:+.4f}", money=True) == f"{value:.4f}"
    assert amount(f"{value:.4f}".replace(".", ","), money=True) == f"{value:.4f}"


@pytest.mark.parametrize("text", ["", "-", "1.2.3", "1e5", "٣", "1 000"])
def test_what_is_no_amount_is_none(text: str) -> None:
    with pytest.raises(Unreadable):
        amount(text, money=True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1100), junk=st.binary(max_size=6))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, at: int, junk: bytes) -> None:
    content = SGML.encode("cp1252")
    try:
        found = read_bytes(tmp_path, content[:at] + junk + content[at + len(junk) :], format="ofx")
    except FinportError:
        return
    assert found.rows("transactions") or found.bad or found.warnings


@pytest.mark.parametrize(
    ("text", "tag", "table", "rows"),
    [(SGML, "BANKTRANLIST", "transactions", 2), (INVESTMENT, "INVTRANLIST", "investment_transactions", 1)],
)
def test_a_list_that_is_not_closed_ends_before_what_never_stands_in_it(
    tmp_path: Path, text: str, tag: str, table: str, rows: int
) -> None:
    whole, found = ofx(tmp_path, text), ofx(tmp_path, text.replace(f"</{tag}>", ""))
    assert not found.bad
    assert f"<{tag}> is not closed" in found.warnings
    assert len(found.rows(table)) == rows
    for name in ("transactions", "investment_transactions", "positions", "balances"):
        assert found.rows(name) == whole.rows(name)


def test_a_list_that_the_end_of_the_file_cuts_is_set_aside(tmp_path: Path) -> None:
    [bad] = ofx(tmp_path, SGML[: SGML.index("</BANKTRANLIST>")]).bad
    assert "the file ends inside of <BANKTRANLIST>" in bad.reason


def test_transactions_outside_of_a_list_are_transactions(tmp_path: Path) -> None:
    found = ofx(tmp_path, SGML.replace("<BANKTRANLIST>", "").replace("</BANKTRANLIST>", ""))
    assert not found.bad
    assert found.column("trnamt", "transactions") == ["-1.50", "2.5"]


def test_a_byte_order_mark_proves_the_header_wrong(tmp_path: Path) -> None:
    found = ofx(tmp_path, "\ufeff" + SGML, encoding="utf-8")
    assert found.rows("transactions")[1]["name"] == "Zürich"
    assert not found.warnings
