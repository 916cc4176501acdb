"""The content of a message as columns; a message that is not what it should be stops nothing and is not lost.

`value` is the content as text, or bytes where the document says so. What cannot be read as that stands in `undecoded`
as it came, and `problem` says why; a declared field that does not fit is null, and `problem` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

import msgspec

from finport_ingestion.engine.logical import LogicalType, parse_logical
from finport_ingestion.engine.sources.found.cells import Cell, JsonText, json_text
from finport_ingestion.engine.sources.messages.options import MessageOptions

_MISSING = object()
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
"""Numbers keep all their digits; NaN is no JSON. Raises ValueError, RecursionError."""


class Content:
    """Reads messages as one document wants them."""

    def __init__(self, options: MessageOptions) -> None:
        self._kind = options.value
        self._fields = {name: parse_logical(text) for name, text in options.fields.items()}

    def columns(self) -> dict[str, LogicalType]:
        """What `read` gives, in this order."""
        if self._kind == "binary":
            return {"value": LogicalType("binary")}
        ours = {"value": LogicalType(self._kind), "undecoded": LogicalType("binary"), "problem": LogicalType("text")}
        return {**ours, **self._fields}

    def read(self, value: bytes | None) -> dict[str, Cell | date | time]:
        """The columns of one message; nothing of them where it has no content."""
        if value is None or self._kind == "binary":
            return {"value": value}
        try:
            text = value.decode()
            found = _DECODE(value) if self._kind == "json" else None
        except UnicodeDecodeError as error:
            return _unread(value, f"no text in UTF-8 at byte {error.start}")
        except (ValueError, RecursionError):
            return _unread(value, "no JSON")
        row: dict[str, Cell | date | time] = {"value": JsonText(text) if self._kind == "json" else text}
        wrong = []
        for name, kind in self._fields.items():
            try:
                row[name] = typed(_at(found, name), kind)
            except (ValueError, ArithmeticError, TypeError):
                wrong.append(f"{name} is no {kind}")
        if wrong:
            row["problem"] = "; ".join(wrong)
        return row


def typed(value: Any, kind: LogicalType) -> Cell | date | time:
    """A value of JSON as one of the type; None for null and for what is not there.

    Raises:
        ValueError, ArithmeticError, TypeError: It is none, or none without a loss.
    """
    if value is None or value is _MISSING:
        return None
    found: Cell | date | time = _READERS[kind.kind](value, kind)
    return found


def _text(value: Any, kind: LogicalType) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _integer(value: Any, kind: LogicalType) -> int:
    number = _number(value)
    whole = int(number)
    if whole != number or not -(1 << 63) <= whole < 1 << 63:
        raise ValueError
    return whole


def _decimal(value: Any, kind: LogicalType) -> Decimal:
    exact = Context(prec=kind.precision, traps=[Inexact, InvalidOperation])
    return _number(value).quantize(Decimal(1).scaleb(-kind.scale), context=exact)


def _float(value: Any, kind: LogicalType) -> float:
    return float(_number(value))


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _boolean(value: Any, kind: LogicalType) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _timestamp(value: Any, kind: LogicalType) -> datetime:
    moment = datetime.fromisoformat(value)
    if (moment.tzinfo is None) != (kind.time_zone is None):
        raise ValueError
    return moment


_READERS: Mapping[str, Any] = {
    "text": _text,
    "identifier": _text,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "date": lambda value, kind: date.fromisoformat(value),
    "time": lambda value, kind: time.fromisoformat(value),
    "timestamp": _timestamp,
    "json": lambda value, kind: json_text(value),
}


def _at(found: Any, path: str) -> Any:
    """The value at a path, or of a field whose name holds the dots."""
    if isinstance(found, Mapping) and path in found:
        return found[path]
    for name in path.split("."):
        found = found.get(name, _MISSING) if isinstance(found, Mapping) else _MISSING
    return found


def _unread(value: bytes, problem: str) -> dict[str, Cell | date | time]:
    return {"undecoded": value, "problem": problem}
