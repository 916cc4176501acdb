"""The columns of the tables of a FIX log: the same for every log, whatever messages it holds."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from finport_ingestion.engine.convert.reading.fix_dictionary import TAG_NAMES

MESSAGES = "messages"
FIELDS = "fields"


class Kind(StrEnum):
    """What the dictionary makes of a tag's value, as far as it matters here."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal(18,2)"
    DATE = "date"
    TIMESTAMP = "timestamp(UTC)"


# The tags that have a column of their own, in the order of the columns: the header, then what orders, executions,
# allocations, quotes, market data and the session use most.
_TAGS = (
    *(8, 9, 35, 34, 49, 50, 142, 56, 57, 143, 115, 128, 43, 97, 52, 122, 1128),
    *(11, 41, 37, 198, 17, 19, 20, 150, 39, 103, 102, 434, 378, 1),
    *(55, 65, 48, 22, 167, 461, 200, 541, 201, 202, 207, 100, 30),
    *(54, 40, 59, 18, 21, 47, 528, 38, 152, 44, 99, 110, 111, 210, 15),
    *(31, 32, 14, 151, 6, 381, 12, 13, 118, 119, 120, 155, 159, 194, 195, 236, 423, 77),
    *(60, 75, 63, 64, 126, 432, 168, 42, 453, 448, 447, 452, 76, 109),
    *(70, 71, 66, 571, 487, 53, 80, 78, 153),
    *(117, 131, 132, 133, 134, 135, 262, 263, 268, 269, 279, 270, 271, 272, 555),
    *(58, 45, 371, 372, 373, 380, 7, 16, 36, 123, 98, 108, 112, 141, 789, 10),
)
_INTEGERS = (9, 34, 45, 7, 16, 36, 108, 268, 453, 78, 555, 789)
_DECIMALS = (
    *(38, 152, 44, 99, 110, 111, 210, 202, 31, 32, 14, 151, 6, 381, 12, 118, 119, 155, 159, 194, 195, 236),
    *(53, 80, 153, 132, 133, 134, 135, 270, 271),
)
_KINDS = (
    dict.fromkeys(_INTEGERS, Kind.INTEGER)
    | dict.fromkeys(_DECIMALS, Kind.DECIMAL)
    | dict.fromkeys((75, 64, 432, 541, 272), Kind.DATE)
    | dict.fromkeys((52, 122, 60, 126, 168, 42), Kind.TIMESTAMP)
)
KINDS: dict[int, Kind] = {tag: _KINDS.get(tag, Kind.TEXT) for tag in _TAGS}
"""Of each tag with a column of its own, in the order of the columns."""

AS_DELIVERED = {52: "SendingTimeText", 60: "TransactTimeText"}
"""Columns for a moment that a timestamp of microseconds cannot hold, by tag."""

_PRECISION, _WIDE, _LEAST_SCALE = 18, 38, 2
_LARGEST_TAG = max(KINDS)
_UNNAMED = -1
PLACES = np.full(_LARGEST_TAG + 2, _UNNAMED, np.int16)
"""Of each tag up to the largest one with a column: which column; -1 for those without."""
PLACES[list(KINDS)] = np.arange(len(KINDS), dtype=np.int16)

_BEFORE = {"message": Kind.INTEGER, "line": Kind.INTEGER, "log_prefix": Kind.TEXT, "field_count": Kind.INTEGER}
_CHECKS = {"body_length_ok": "boolean", "checksum_ok": "boolean"}
MESSAGE_TYPES: dict[str, str] = {
    **{name: str(kind) for name, kind in _BEFORE.items()},
    **{name: str(kind) for tag in KINDS for name, kind in ((TAG_NAMES[tag], KINDS[tag]),)},
    **dict.fromkeys(AS_DELIVERED.values(), str(Kind.TEXT)),
    **_CHECKS,
}
FIELD_TYPES: dict[str, str] = {
    "message": "integer",
    "position": "integer",
    "tag": "integer",
    "name": "text",
    "value": "text",
}


def places_of(tags: np.ndarray) -> np.ndarray:
    """The column of each tag; -1 for those without."""
    places: np.ndarray = PLACES[np.minimum(tags, _LARGEST_TAG + 1)]
    return places


def message_types(scales: dict[int, int]) -> dict[str, str]:
    """The types of the messages' columns, with as many digits behind the point as were delivered, by tag."""
    more = {TAG_NAMES[tag]: scale for tag, scale in scales.items() if scale > _LEAST_SCALE}
    return MESSAGE_TYPES | {
        name: f"decimal({_PRECISION if scale <= _PRECISION else _WIDE},{min(scale, _WIDE)})"
        for name, scale in more.items()
    }
