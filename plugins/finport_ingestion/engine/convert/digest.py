"""The canonical text of a value and the digest of a row: the same row gives the same digest in every run.

Numbers are compared by worth (5, 5.0 and 5.00 are one) and columns without a value are left out, so that a type that
widens, or a new empty column, makes no old row look new.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal


def canonical(value: object) -> str | None:
    """One value as text; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (int, Decimal)):
        return _number(Decimal(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=canonical)


def row_digest(row: Mapping[str, object]) -> str:
    """Lower-case hex SHA-256 of a row's canonical JSON."""
    texts = {name: text for name, value in row.items() if (text := canonical(value)) is not None}
    document = json.dumps(texts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()


def _number(number: Decimal) -> str:
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
