"""Trades as texts of other kinds: JSON Lines, XML, fixed width."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.convert.inputs.kept import kept
from benchmarks.convert.inputs.layout import LAYOUT, Field
from benchmarks.convert.inputs.trades import COLUMNS, frames

_NUMBERS = frozenset({"trade_id", "price", "quantity", "amount", "fee", "seq"})
_PARTIES = ("Smith & Sons", "O'Neill <UK> Ltd", "Bäcker & Co. KG", 'The "First" Bank', "Plain Broking plc")
"""Names of counterparties, only in the XML: text that must be escaped."""
_ESCAPED = tuple(
    name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&apos;")
    for name in _PARTIES
)
XML_COLUMNS = (*COLUMNS, "party")


def ndjson(rows: int) -> Path:
    """An object a line, numbers as numbers; 270 bytes a row."""
    places = ",".join(f'"{name}":{"{}" if name in _NUMBERS else _quoted("{}")}' for name in COLUMNS)
    return kept(f"trades-{rows}.ndjson", lambda path: _write(path, rows, pl.format("{{" + places + "}}", *COLUMNS)))


def xml(rows: int) -> Path:
    """An element a trade, with an attribute, twelve elements, and a thirteenth of escaped text; 400 bytes a row."""
    first, *others = COLUMNS
    elements = "".join(f"<{name}>{{}}</{name}>" for name in others)
    number = pl.col(first).str.slice(-5).cast(pl.Int64) % len(_ESCAPED)
    party = number.replace_strict(dict(enumerate(_ESCAPED)), return_dtype=pl.String)
    line = pl.format(f'  <trade {first}="{{}}">{elements}<party>{{}}</party></trade>', *COLUMNS, party)
    begin, end = '<?xml version="1.0" encoding="UTF-8"?>\n<trades>\n', "</trades>\n"
    return kept(f"trades-{rows}.xml", lambda path: _write(path, rows, line, begin=begin, end=end))


def party_of(trade_id: str) -> str:
    """SQL: the counterparty of a trade in the XML, out of the text of its id."""
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in _PARTIES)
    return f"([{names}])[({trade_id}[-5:]::bigint % {len(_PARTIES)}) + 1]"


def fixed_width(rows: int) -> Path:
    """Lines of 129 characters; numbers stand at the right of their place."""
    line = pl.concat_str([_padded(field) for field in LAYOUT])
    return kept(f"trades-{rows}.txt", lambda path: _write(path, rows, line))


def _padded(field: Field) -> pl.Expr:
    text = pl.col(field.name).str
    return text.pad_start(field.length) if field.name in _NUMBERS else text.pad_end(field.length)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _write(path: Path, rows: int, line: pl.Expr, *, begin: str = "", end: str = "") -> None:
    with path.open("wb") as file:
        file.write(begin.encode())
        for frame in frames(rows):
            lines = frame.select(line.alias("line"))["line"]
            file.write(lines.str.join("\n").item().encode() + b"\n")
        file.write(end.encode())
