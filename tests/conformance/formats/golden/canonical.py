"""The canonical text of a value, as the manifest's rule has it, and the digest of a column of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

NULL = r"\N"


def digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: Any) -> str:
    """The text of a value; null and the empty text are one."""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (list, dict)):
        return json.dumps(_members(value), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return str(value)


def number(value: float | Decimal) -> str:
    """Plain notation without trailing zeros; a float by its shortest digits."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if exact.is_zero():
        return "0"
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(value: datetime) -> str:
    mark = "Z" if value.tzinfo else ""
    text = (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + mark


def _members(value: Any) -> Any:
    """One level down: members are canonical texts, a null stays null."""
    if isinstance(value, dict):
        return {str(key): _member(found) for key, found in value.items()}
    return [_member(found) for found in value]


def _member(value: Any) -> str | None:
    return value if value is None or value == "" else canonical(value)
