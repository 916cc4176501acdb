"""What an unquoted scalar of a data file is: the core schema of YAML 1.2, numbers kept as exact tokens.

`no`, `on`, `12:30`, `2024-01-31` are text, as YAML 1.2 says, and so are digits with a leading zero: they are
identifiers more often than numbers.
"""

from __future__ import annotations

import re
from typing import Any

from finport_ingestion.engine.convert.reading.json_texts import Number

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"([-+]?)((?:0|[1-9][0-9]*)?)(?:\.([0-9]*))?((?:[eE][-+]?[0-9]+)?)")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NUMERIC = frozenset("+-.0123456789")
_LONGEST = 4_000  # Python reads no longer integers
_LONGEST_OF_BASE = 1_000  # and writes none that have more digits than that in tens


def scalar(text: str) -> Any:
    """None, a boolean, a Number spelled as JSON spells it, or the text itself."""
    if text in _NULL:
        return None
    known = _BOOLEANS.get(text)
    if known is not None:
        return known
    return _number(text) if text[0] in _NUMERIC and len(text) <= _LONGEST else text


def _number(text: str) -> Any:
    match = _NUMBER.fullmatch(text)
    if match is None:
        # Infinity and 'not a number' have no exact decimal: they stay as they are written.
        return Number(int(text, 0)) if len(text) <= _LONGEST_OF_BASE and _OTHER_BASE.fullmatch(text) else text
    sign, whole, fraction, exponent = match.groups()
    if not whole and not fraction:
        return text
    point = f".{fraction}" if fraction else ""
    return Number(f"{'-' if sign == '-' else ''}{whole or '0'}{point}{exponent}")
