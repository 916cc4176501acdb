"""Fixed-width text and EBCDIC records: small files by hand, with their layouts."""

from __future__ import annotations

from tests.conformance.formats.adapters import Message, beginnings


def _line(number: int) -> str:
    return f"{number:04d}{'Zürich' if number % 2 else 'Bern':<12}{f'-{number}.50':>10}  \n"


_LINES = [_line(number) for number in range(1, 25)]
_WIDTH_COLUMNS = [
    {"name": "id", "start": 0, "length": 4},
    {"name": "town", "start": 4, "length": 12},
    {"name": "amount", "start": 16, "length": 10},
]

_EBCDIC_COLUMNS = [
    {"name": "id", "start": 0, "length": 4},
    {"name": "town", "start": 4, "length": 20},
    {"name": "amount", "start": 24, "length": 4, "kind": "packed", "scale": 2},
]


def _record(number: int, packed: str) -> bytes:
    return f"{number:04d}{'Zürich':<20}".encode("cp037") + bytes.fromhex(packed)


_RECORDS = [_record(number, f"00012{number:02d}c") for number in range(1, 13)]


SAMPLES = {
    "ebcdic": Message(
        content=b"".join(_RECORDS),
        suffix=".ebc",
        options={"columns": _EBCDIC_COLUMNS},
        rows={"": 12},
        with_a_bad_unit=b"".join([_RECORDS[0], _record(99, "0001a1fc"), *_RECORDS[1:]]),
        beginnings=beginnings(_RECORDS),
    ),
    "fixed_width": Message(
        content="".join(_LINES).encode(),
        text="".join(_LINES),
        suffix=".fwf",
        options={"columns": _WIDTH_COLUMNS},
        rows={"": 24},
        many="".join(map(_line, range(2_000))).encode(),
        with_a_bad_unit=_LINES[0].encode() + b"9999\xff\xfe\n" + "".join(_LINES[1:]).encode(),
        beginnings=beginnings([line.encode() for line in _LINES]),
    ),
}
