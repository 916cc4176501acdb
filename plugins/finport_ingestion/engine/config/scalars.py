"""What an unquoted scalar means: the core schema of YAML 1.2, but digits with a leading zero stay text."""

from __future__ import annotations

import re
from decimal import Decimal

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
# The core schema also reads 0123 as a number; identifiers with leading zeros are worth more to us.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMERIC = frozenset("+-.0123456789")
_MAX_DIGITS = 19
_MAX_INTEGER = 2**63 - 1


def meaning(text: str) -> str | int | float | bool | None:
    """The value that an unquoted scalar spells.

    Raises:
        ValueError: It is a number that cannot be kept as it is written.
    """
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    value = _number(text) if text[0] in _NUMERIC else None
    return text if value is None else value


def means_text(text: str) -> bool:
    """Whether an unquoted scalar is text."""
    try:
        return isinstance(meaning(text), str)
    except ValueError:
        return False


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _OTHER_BASE.fullmatch(text):
        return _integer(text[2:], 8 if text[1] == "o" else 16)
    if _NO_NUMBER.fullmatch(text):
        raise ValueError("infinity and 'not a number' cannot be used; put it in quotes if it is text")
    return None


def _integer(text: str, base: int) -> int:
    # Python refuses to read more than some thousand digits: the length is asked first.
    value = int(text, base) if len(text.lstrip("+-")) <= _MAX_DIGITS else _MAX_INTEGER + 1
    if abs(value) > _MAX_INTEGER:
        raise ValueError("a whole number of more than 64 bits; put it in quotes if it is an identifier")
    return value


def _float(text: str) -> float:
    value = float(text)
    # Decimal(repr()) has the digits that JSON and the models will see.
    if value in (float("inf"), float("-inf")) or len(text) > 64 or Decimal(repr(value)) != Decimal(text):
        raise ValueError("a number with more digits than can be kept exactly; put it in quotes")
    return value
