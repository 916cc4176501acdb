"""FIX logs, SWIFT messages and account statements: small files by hand."""

from __future__ import annotations

import re

from tests.conformance.formats.adapters import Message, beginnings


def _fix(number: int, *, price: str = "1.50", checksum: int = 0) -> bytes:
    """A message; `checksum` is added to the right one."""
    fields = (
        *("35=D", f"34={number}", "49=BUYER", "56=SELLER", "52=20240229-12:30:45.123", f"11=000{number}"),
        *(f"44={price}", "58=Zurich"),
    )
    body = "".join(f"{field}\x01" for field in fields).encode()
    whole = b"8=FIX.4.4\x019=%d\x01%s" % (len(body), body)
    return b"%s10=%03d\x01\n" % (whole, (sum(whole) + checksum) % 256)


_FIX = [_fix(number) for number in (1, 2, 3)]
_FIX_BAD = _fix(4)[:60] + b"\n"

_STATEMENT = """:20:START{number}
:25:12345678/000102030{number}
:28C:00012/001
:60F:C240228EUR1000,00
:61:{date}0301DR100,50NTRFCUST1//BANK1
More about it
:86:Miete Zürich
of two lines
:61:240229C0,5NMSCNONREF
:62F:C240229EUR900,00
:64:C240301EUR900,
-
"""
_STATEMENTS = [_STATEMENT.format(number=number, date="240229") for number in (1, 2)]
_ENDS = [found.end() for found in re.finditer(r":6[24]F?:.*\n|-\n", "".join(_STATEMENTS))]
"""A statement may end with its closing balance, or with a mark."""
_BAD_STATEMENT = _STATEMENT.format(number=3, date="240230")
_NO_TRANSACTIONS = ":20:A\n:25:ACC\n:28C:1/1\n:60F:C240101EUR5,\n:62F:C240101EUR5,\n-\n"


_PAYMENT = (
    "{1:F01BANKDEFFAXXX0001000000}{2:I103BANKUS33XXXXN}{3:{108:MUR}}{4:\n:20:REF\n:23B:CRED\n"
    ":32A:240229EUR0001234,50\n:33B:USD1500,\n:50K:/0001\nMAX MUSTER ZÜRICH\n:59:/DE42\nERIKA\n:71A:SHA\n-}"
    "{5:{CHK:ABCDEF123456}}\n"
)


def _payment(number: int) -> str:
    return (
        _PAYMENT.replace("REF", f"REF{number}").replace("MUR", f"MUR{number}").replace("0001000000", f"{number:010d}")
    )


_PAYMENTS = [_payment(number) for number in (1, 2)]
_PAYMENT_ENDS = [found.end() for found in re.finditer(r"-}|\{5:.*\n", "".join(_PAYMENTS))]
"""A message may be without its trailer."""
_BAD_PAYMENT = _payment(3).replace("-}", "")


SAMPLES = {
    "fix": Message(
        content=b"".join(_FIX),
        text=b"".join(_FIX).decode(),
        suffix=".fix",
        rows={"messages": 3, "fields": 33},
        many=b"".join(map(_fix, range(300))),
        with_a_bad_unit=_FIX[0] + _FIX_BAD + _FIX[1] + _FIX[2],
        beginnings=beginnings(_FIX),
    ),
    "mt940": Message(
        content="".join(_STATEMENTS).encode(),
        text="".join(_STATEMENTS),
        suffix=".sta",
        rows={"transactions": 4, "statements": 2},
        many="".join(_STATEMENT.format(number=number, date="240229") for number in range(200)).encode(),
        with_a_bad_unit=(_STATEMENTS[0] + _BAD_STATEMENT + _STATEMENTS[1]).encode(),
        of_no_records=_NO_TRANSACTIONS.encode(),
        beginnings=tuple("".join(_STATEMENTS)[:end].encode() for end in _ENDS),
    ),
    "swift_mt": Message(
        content="".join(_PAYMENTS).encode(),
        text="".join(_PAYMENTS),
        suffix=".fin",
        rows={"messages": 2, "fields": 18},
        many="".join(map(_payment, range(200))).encode(),
        with_a_bad_unit=(_PAYMENTS[0] + _BAD_PAYMENT + _PAYMENTS[1]).encode(),
        beginnings=tuple("".join(_PAYMENTS)[:end].encode() for end in _PAYMENT_ENDS),
    ),
}
