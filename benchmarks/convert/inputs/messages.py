"""Trades as FIX messages, and statements of accounts as MT940."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.convert.inputs.kept import kept
from benchmarks.convert.inputs.trades import frames

ENTRIES_PER_STATEMENT = 40
_SOH = "\x01"
_REPORT = (
    "35=8|49=BROKER|56=CLIENT01|34={}|52={}|37=ORD{}|11=CL{}|17=EX{}|20=0|150=2|39=2|1={}|55={}|48={}|22=4|54={}"
    "|38={}|40=2|44={}|59=0|32={}|31={}|151=0|14={}|6={}|75={}|60={}|30={}|12={}|13=3|119={}|15=USD|"
).replace("|", _SOH)
_OF_REPORT = (
    *("trade_id", "moment", "trade_id", "trade_id", "trade_id", "account", "symbol", "isin", "number_of_side"),
    *("quantity", "price", "quantity", "price", "quantity", "price", "day", "moment", "venue", "fee", "amount"),
)
_PAID = (
    "166?00GUTSCHRIFT?100399?20EREF+{number:012}?21SVWZ+RECHNUNG {number} VOM {day}?22LIEFERUNG NACH AUFTRAG"
    "?30DEUTDEFFXXX?31DE4450010517540732{tail:04}?32MUELLER UND SOEHNE GMBH"
)
_DEBITED = (
    "105?00LASTSCHRIFT?100599?20EREF+{number:012}?21MREF+M{tail:08}?22CRED+DE98ZZZ09999999999?23SVWZ+BEITRAG {day}"
    "?30COBADEFFXXX?31DE8937040044053201{tail:04}?32STADTWERKE AG"
)
_SEED = 940


def fix(rows: int) -> Path:
    """Execution reports of FIX 4.4, a message a line, with body lengths and checksums; 300 bytes each."""
    return kept(f"trades-{rows}.fix", lambda path: _write(path, _reports(rows)))


def _reports(rows: int) -> Iterator[bytes]:
    moment = pl.col("ts").str.replace_all("-", "").str.replace(" ", "-").str.slice(0, 21)
    columns = {
        "moment": moment,
        "day": pl.col("trade_date").str.replace_all("-", ""),
        "number_of_side": pl.col("side").replace({"B": "1", "S": "2"}),
    }
    for frame in frames(rows):
        bodies = frame.with_columns(**columns).select(pl.format(_REPORT, *_OF_REPORT).alias("body"))["body"]
        for body in bodies:
            message = f"8=FIX.4.4{_SOH}9={len(body)}{_SOH}{body}".encode()
            yield message + f"10={sum(message) % 256:03}{_SOH}\n".encode()


def mt940(statements: int) -> Path:
    """Statements whose balances add up, of 40 entries each with structured details; 9 kB a statement."""
    return kept(f"statements-{statements}.sta", lambda path: _write(path, _statements(statements)))


def _statements(count: int) -> Iterator[bytes]:
    chance = random.Random(_SEED)
    for number in range(count):
        day = date(2026, 1, 5) + timedelta(days=number // 400)
        balance = chance.randrange(10_000_00, 900_000_00)
        lines = [
            f":20:STMT{number:012}",
            f":25:50010517/{number % 400:010}",
            f":28C:{number // 400 + 1:05}/00001",
            f":60F:C{day - timedelta(days=1):%y%m%d}EUR{_amount(balance)}",
        ]
        for place in range(ENTRIES_PER_STATEMENT):
            cents = chance.randrange(1, 9_000_00)
            credit = place % 2 == 0 or balance < cents
            balance += cents if credit else -cents
            lines.extend(_entry(number * ENTRIES_PER_STATEMENT + place, day, cents, credit=credit))
        lines.append(f":62F:C{day:%y%m%d}EUR{_amount(balance)}")
        yield ("\r\n".join([*lines, "-"]) + "\r\n").encode()


def _entry(number: int, day: date, cents: int, *, credit: bool) -> Iterator[str]:
    kind = "C" if credit else "D"
    yield f":61:{day:%y%m%d}{day:%m%d}{kind}R{_amount(cents)}NTRFNONREF//{number:016}"
    text = ":86:" + (_PAID if credit else _DEBITED).format(number=number, day=f"{day:%d.%m.%Y}", tail=number % 10_000)
    yield from (text[start : start + 65] for start in range(0, len(text), 65))


def _amount(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)
