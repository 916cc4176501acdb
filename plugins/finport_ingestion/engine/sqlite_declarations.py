"""What the type that a column of SQLite is declared with means. SQLite itself keeps a value of any class in any column.

Both who asks a database and who reads a file of one go by it.
"""

from __future__ import annotations

import re

from finport_ingestion.engine.logical import LogicalType

_DECLARATION = re.compile(r"^\s*([^()]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?([^()]*)$")
_DECIMALS = ("NUMERIC", "DECIMAL", "NUMBER", "MONEY")
_MOST_DIGITS = 76
_BY_WORD = (
    # The first that the declaration contains decides, as in SQLite's own rules, with the types of other databases.
    ("BOOL", "boolean"),
    ("INTERVAL", "text"),
    ("POINT", "text"),
    ("INT", "integer"),
    ("TIMESTAMP", "timestamp"),
    ("DATETIME", "timestamp"),
    ("DATE", "date"),
    ("TIME", "time"),
    ("CHAR", "text"),
    ("CLOB", "text"),
    ("TEXT", "text"),
    ("JSON", "json"),
    ("BLOB", "binary"),
    ("BINARY", "binary"),
    ("BYTEA", "binary"),
    ("REAL", "float"),
    ("FLOA", "float"),
    ("DOUB", "float"),
)


def declared_type(declaration: str) -> LogicalType:
    """The type that a text such as `NUMERIC(10,2)` names: text where nothing usable is declared.

    A decimal has a precision of 0 where none is stated, or one that no decimal has.
    """
    match = _DECLARATION.match(declaration.upper())
    name = f"{match[1]}{match[4]}" if match else ""
    if "TIMESTAMPTZ" in name or "WITH TIME ZONE" in name:
        return LogicalType("timestamp", time_zone="UTC")
    if match and any(word in name for word in _DECIMALS):
        precision, scale = int(match[2] or 0), int(match[3] or 0)
        fits = 1 <= precision <= _MOST_DIGITS and scale <= precision
        return LogicalType("decimal", precision, scale) if fits else LogicalType("decimal")
    return LogicalType(next((kind for word, kind in _BY_WORD if word in name), "text"))
