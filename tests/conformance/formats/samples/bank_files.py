"""BAI2, NACHA, Fedwire, OFX, QIF: small files by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conformance.formats.adapters import Message

_BAI2_ACCOUNT = """\
03,0012345,,010,500000,,,100,150000,2,/
16,195,100000,1,REF1,CUST1,Zürich WIRE IN
16,275,50000,0,REF2,,SPLIT A/B
88,SECOND LINE, WITH COMMA
49,800000,5/
"""
_BAI2_OTHER = "03,0099,JPY,010,+1234,,/\n16,475,1234,0,,,CHECK 7/\n49,2468,3/\n"
_BAI2_BAD = "03,0077,,010,0,,/\n16,195,12.34,0,,,NO WHOLE NUMBER/\n49,0,3/\n"


def _bai2(*accounts: str, total: int) -> str:
    """A file of one group."""
    records = sum(account.count("\n") for account in accounts)
    return (
        "01,BANK,CUST,240102,0830,7,,,2/\n02,CUST,BANK,1,240101,,USD,2/\n"
        + "".join(accounts)
        + f"98,{total},{len(accounts)},{records + 2}/\n99,{total},1,{records + 4}/\n"
    )


_NACHA_HEADER = "101 0420000130231380104240102083" + "0A094101US BANK NA             EXAMPLE COMPANY".ljust(62)
_NACHA_HASH = 2_120_002


def _entry(code: str, cents: str, *, addenda: int = 0) -> str:
    return f"6{code}021200025{'0007':<17}{cents}{'ID1':<15}{'JANE':<22}  {addenda}042000010000001"


def _batch(number: int, *records: str, debit: int = 0, credit: int = 0) -> list[str]:
    head = f"5200{'EXAMPLE COMPANY':<16}{'':20}0231380104PPDPAYROLL   240101240103   104200001{number:07d}"
    counts = f"{len(records):06d}{_NACHA_HASH:010d}{debit:012d}{credit:012d}"
    return [head, *records, f"8200{counts}0231380104{'':25}04200001{number:07d}"]


def _nacha(*batches: Sequence[str], entries: int, debit: int, credit: int) -> str:
    counts = f"{len(batches):06d}{1:06d}{entries:08d}{_NACHA_HASH * len(batches):010d}{debit:012d}{credit:012d}"
    records = [_NACHA_HEADER, *(record for batch in batches for record in batch), f"9{counts}".ljust(94)]
    return "".join(f"{record}\n" for record in records)


_INVOICE = "705" + "INVOICE 1".ljust(80) + "00010000001"
_NACHA_ONE = _batch(1, _entry("27", "0000000150", addenda=1), _INVOICE, debit=150)
_NACHA_TWO = _batch(2, _entry("32", "0000000007"), credit=7)
_NACHA_BAD = _batch(3, _entry("32", "00000009.9"), credit=99)


_FEDWIRE = (
    "{1500}30User ReqT \n{1510}1000\n{1520}20240102SOURCE01NUMBER\n{2000}CENTS\n{3100}121042882SENDER BANK*\n"
    "{3400}231380104RECEIVER*\n{3600}CTP*\n{3710}USD99,5*\n{4200}D0012345*NAME*STREET*ZÜRICH*\n{4320}REF*\n"
    "{6000}LINE ONE*LINE TWO*\n"
)


def _fedwire(number: int, cents: str) -> str:
    return _FEDWIRE.replace("NUMBER", f"{number:06d}").replace("CENTS", cents)


_FEDWIRE_ONE, _FEDWIRE_TWO = _fedwire(1, "000001234567"), _fedwire(2, "000000000001")
_FEDWIRE_ENDS = [found.end() for found in re.finditer(r"\*", _FEDWIRE_ONE + _FEDWIRE_TWO)]
"""Tags and elements behind the mandatory ones may be missing."""
_FEDWIRE_BAD = _fedwire(3, "00000012345.7")


def _ofx_statement(account: str, amounts: Sequence[str]) -> str:
    transactions = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>20240102120000[-5:EST]<TRNAMT>{amount}<FITID>{number:04d}\n"
        f"<NAME>Zürich<MEMO>A &amp; B</STMTTRN>\n"
        for number, amount in enumerate(amounts, start=1)
    )
    return (
        "<STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD\n"
        f"<BANKACCTFROM><BANKID>012<ACCTID>{account}<ACCTTYPE>CHECKING</BANKACCTFROM>\n"
        f"<BANKTRANLIST><DTSTART>20240101<DTEND>20240131\n{transactions}</BANKTRANLIST>\n"
        "<LEDGERBAL><BALAMT>100.00<DTASOF>20240131</LEDGERBAL></STMTRS></STMTTRNRS>\n"
    )


_OFX_HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\nCOMPRESSION:NONE\n\n"


def _ofx(*statements: str, header: str = _OFX_HEADER) -> str:
    sign_on = (
        "<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20240131<LANGUAGE>ENG\n"
        "<FI><ORG>Bank<FID>7</FI></SONRS></SIGNONMSGSRSV1>\n"
    )
    return f"{header}<OFX>{sign_on}<BANKMSGSRSV1>{''.join(statements)}</BANKMSGSRSV1></OFX>\n"


_OFX_ONE, _OFX_TWO = _ofx_statement("00045", ["-1.50", "2.5"]), _ofx_statement("00046", ["1.00"])
_OFX_BAD = _ofx_statement("00047", ["$1.50"])

_QIF_HEAD = "!Type:Bank\n"
_QIF_RECORDS = (
    "D12/31'05\nT-1,234.50\nCX\nN101\nPZürich\nA1 Street\nATown\nLFood\n^\n",
    "D1/2'06\nT10.00\nLA\nSA\nEone\n$4.00\nSB\n$6.00\n^\n",
    "D1/3'06\nT10\nL[Savings]\n^\n",
)
_QIF = _QIF_HEAD + "".join(_QIF_RECORDS)

SAMPLES = {
    "bai2": Message(
        content=_bai2(_BAI2_ACCOUNT, _BAI2_OTHER, total=802_468).encode(),
        text=_bai2(_BAI2_ACCOUNT, _BAI2_OTHER, total=802_468),
        suffix=".bai",
        rows={"transactions": 3, "summaries": 3, "accounts": 2, "groups": 1, "files": 1},
        with_a_bad_unit=_bai2(_BAI2_ACCOUNT, _BAI2_BAD, _BAI2_OTHER, total=802_468).encode(),
        beginnings=(_bai2(_BAI2_ACCOUNT, _BAI2_OTHER, total=802_468).removesuffix("/\n").encode(),),
        of_no_records=b"01,BANK,CUST,240102,0830,7,,,2/\n99,0,0,2/\n",
    ),
    "fedwire": Message(
        content=(_FEDWIRE_ONE + _FEDWIRE_TWO).encode(),
        text=_FEDWIRE_ONE + _FEDWIRE_TWO,
        suffix=".fedwire",
        rows={"messages": 2, "tags": 22},
        with_a_bad_unit=(_FEDWIRE_ONE + _FEDWIRE_BAD + _FEDWIRE_TWO).encode(),
        beginnings=tuple(f"{_FEDWIRE_ONE}{_FEDWIRE_TWO}"[:end].encode() for end in _FEDWIRE_ENDS),
    ),
    "nacha": Message(
        content=_nacha(_NACHA_ONE, _NACHA_TWO, entries=3, debit=150, credit=7).encode(),
        text=_nacha(_NACHA_ONE, _NACHA_TWO, entries=3, debit=150, credit=7),
        suffix=".ach",
        rows={"entries": 2, "addenda": 1, "batches": 2, "files": 1},
        with_a_bad_unit=_nacha(_NACHA_ONE, _NACHA_BAD, _NACHA_TWO, entries=4, debit=150, credit=106).encode(),
        of_no_records=_nacha(entries=0, debit=0, credit=0).encode(),
    ),
    "ofx": Message(
        content=_ofx(_OFX_ONE, _OFX_TWO).encode("cp1252"),
        text=_ofx(_OFX_ONE, _OFX_TWO, header=""),
        suffix=".ofx",
        rows={
            "transactions": 3,
            "accounts": 2,
            "balances": 2,
            "investment_transactions": 0,
            "positions": 0,
            "securities": 0,
        },
        with_a_bad_unit=_ofx(_OFX_ONE, _OFX_BAD, _OFX_TWO).encode("cp1252"),
        of_no_records=_ofx(_ofx_statement("00045", [])).encode("cp1252"),
    ),
    "qif": Message(
        content=_QIF.encode(),
        text=_QIF,
        suffix=".qif",
        rows={"transactions": 3, "splits": 2, "records": 3},
        with_a_bad_unit=_QIF.replace("^\n", "^\nD1/1'06\nT$5\n^\n", 1).encode(),
        of_no_records=_QIF_HEAD.encode(),
        beginnings=tuple((_QIF_HEAD + "".join(_QIF_RECORDS[:count])).encode() for count in range(3)),
    ),
}
