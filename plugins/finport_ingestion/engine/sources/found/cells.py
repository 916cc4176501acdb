"""The closed set of values that found fields have, and their JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal


class JsonText(str):
    """A nested value as JSON, not a text of the source."""

    __slots__ = ()


Cell = None | bool | int | float | Decimal | str | bytes | datetime
"""A value of a field; `str` is text, JsonText what was nested, `datetime` aware."""


def json_text(value: object) -> JsonText:
    """A value as JSON that loses nothing: decimals are numbers with all their digits, bytes are Base64, times ISO 8601.

    NaN and the infinities, which JSON does not have, are texts.
    """
    if isinstance(value, Mapping):
        return JsonText("{" + ",".join(f"{_quoted(str(key))}:{json_text(each)}" for key, each in value.items()) + "}")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return JsonText("[" + ",".join(json_text(each) for each in value) + "]")
    return JsonText(value if isinstance(value, JsonText) else _leaf(value))


def _leaf(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value) if value.is_finite() else _quoted(str(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else _quoted(str(value))
    if isinstance(value, bytes):
        return _quoted(base64.b64encode(value).decode("ascii"))
    if isinstance(value, datetime):
        return _quoted(value.isoformat())
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
