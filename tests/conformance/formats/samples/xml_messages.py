"""ISO 20022, XBRL, inline XBRL: small files by hand."""

from __future__ import annotations

from tests.conformance.formats.adapters import Message

_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _statement(number: int, *amounts: str) -> str:
    entries = "".join(
        f"<Ntry><NtryRef>00{at}</NtryRef><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-01-02</Dt></BookgDt><ValDt><Dt>2026-01-03</Dt></ValDt>"
        "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RmtInf><Ustrd>Zürich &amp; Co</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>\n"
        for at, amount in enumerate(amounts)
    )
    balance = (
        "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
        "<Dt><Dt>2026-01-02</Dt></Dt></Bal>"
    )
    account = f"<Acct><Id><IBAN>DE021203000000002020{number:02d}</IBAN></Id></Acct>"
    return f"<Stmt><Id>S{number}</Id>{account}{balance}{entries}</Stmt>\n"


def _camt(*statements: str) -> str:
    return (
        f"<Document xmlns='{_CAMT}'><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>{''.join(statements)}"
        "</BkToCstmrStmt></Document>\n"
    )


_ISO20022 = _camt(_statement(1, "1.00", "12345678901234567.12345"), _statement(2, "3.00"))

_NAMESPACES = (
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:us="urn:us" xmlns:link="http://www.xbrl.org/2003/linkbase" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:iso4217="http://www.xbrl.org/2003/iso4217"'
)
_CONTEXT = (
    '<xbrli:context id="c"><xbrli:entity><xbrli:identifier scheme="lei">00529</xbrli:identifier></xbrli:entity>'
    "<xbrli:period><xbrli:startDate>2025-01-01</xbrli:startDate><xbrli:endDate>2025-12-31</xbrli:endDate>"
    "</xbrli:period></xbrli:context>\n"
)
_UNIT = '<xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>\n'


def _instance(*facts: str) -> str:
    return f"<xbrli:xbrl {_NAMESPACES}>{_CONTEXT}{_UNIT}{''.join(facts)}</xbrli:xbrl>\n"


_FACTS = (
    '<us:Cash id="f1" contextRef="c" unitRef="usd" decimals="2">1.230</us:Cash>\n',
    '<us:Town contextRef="c">Zürich &amp; more</us:Town>\n',
)
_STRAY = '<us:Cash contextRef="nowhere" unitRef="usd" decimals="2">1</us:Cash>\n'
_XBRL = _instance(*_FACTS)


def _page(*facts: str) -> str:
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
        f"{_NAMESPACES}><head><title>Report</title></head><body><div><ix:header><ix:resources>{_CONTEXT}{_UNIT}"
        f"</ix:resources></ix:header></div><p>{''.join(facts)}</p></body></html>\n"
    )


def _shown(text: str, form: str = "ixt:num-dot-decimal") -> str:
    return (
        f'<ix:nonFraction name="us:Cash" contextRef="c" unitRef="usd" decimals="2" format="{form}">{text}'
        "</ix:nonFraction>\n"
    )


_TOWN = '<ix:nonNumeric name="us:Town" contextRef="c">Zürich</ix:nonNumeric>\n'
_INLINE = _page(_shown("1,234.50"), _TOWN)

SAMPLES = {
    "inline_xbrl": Message(
        content=(_DECLARED + _INLINE).encode(),
        text=_INLINE,
        suffix=".xhtml",
        rows={"facts": 2, "contexts": 1, "units": 1, "footnotes": 0},
        with_a_bad_unit=_page(_shown("1,234.50"), _shown("x", "z:odd"), _TOWN).encode(),
        of_no_records=_page().encode(),
        cut_is_refused=True,
    ),
    "iso20022": Message(
        content=(_DECLARED + _ISO20022).encode(),
        text=_ISO20022,
        suffix=".camt",
        rows={"entries": 3, "statements": 2, "balances": 2, "transactions": 3},
        with_a_bad_unit=_ISO20022.replace("<Stmt><Id>S2", _statement(3, "4.00", "1,00") + "<Stmt><Id>S2").encode(),
        of_no_records=_camt(_statement(1)).encode(),
        cut_is_refused=True,
    ),
    "xbrl": Message(
        content=(_DECLARED + _XBRL).encode(),
        text=_XBRL,
        suffix=".xbrl",
        rows={"facts": 2, "contexts": 1, "units": 1, "footnotes": 0},
        with_a_bad_unit=_instance(_FACTS[0], _STRAY, _FACTS[1]).encode(),
        of_no_records=_instance().encode(),
        cut_is_refused=True,
    ),
}
