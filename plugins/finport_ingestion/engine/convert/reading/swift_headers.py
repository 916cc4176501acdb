"""What the headers of a FIN message say, and its first amount: the columns of a message that are not fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from finport_ingestion.engine.convert.reading.swift_blocks import (
    APPLICATION,
    BASIC,
    TEXT,
    TRAILER,
    USER,
    Field,
    Message,
)
from finport_ingestion.engine.convert.reading.swift_values import AMOUNT, iso_date

HEADER_TYPES: dict[str, str] = {
    "block1": "text",
    "block2": "text",
    "block3": "text",
    "block5": "text",
    "application_id": "text",
    "service_id": "text",
    "direction": "text",
    "message_type": "text",
    "sender": "text",
    "receiver": "text",
    "session_number": "text",
    "sequence_number": "text",
    "priority": "text",
    "input_time": "text",
    "input_date": "date",
    "output_date": "date",
    "output_time": "text",
    "mur": "text",
    "uetr": "text",
    "validation_flag": "text",
    "acknowledged": "boolean",
    "error_code": "text",
    "value_date": "date",
    "currency": "text",
    "amount": "decimal(18,2)",
    "instructed_currency": "text",
    "instructed_amount": "decimal(18,2)",
}

_BASIC = re.compile(r"([A-Z])([0-9]{2})([A-Z0-9]{12})([0-9]{4})?([0-9]{6})?")
_INPUT = re.compile(r"I([0-9A-Z]{3})([A-Z0-9]{12})([SUN])?.*", re.DOTALL)
_OUTPUT = re.compile(
    r"O([0-9A-Z]{3})([0-9]{4})([0-9]{6})([A-Z0-9]{12})([0-9]{10})(?:([0-9]{6})([0-9]{4}))?([SUN])?.*", re.DOTALL
)
_MONEY = re.compile(rf"([0-9]{{6}})?([A-Z]{{3}})({AMOUNT})")
_WITH_DATE = ("32A",)
_WITHOUT_DATE = ("32B", "33B")
_Row = dict[str, str | None]


class NotAMessage(Exception):
    """Why a message cannot be read, and where in the text."""

    def __init__(self, rule: str, reason: str, at: int) -> None:
        super().__init__(reason)
        self.rule = rule
        self.at = at


def header_of(message: Message, fields: Sequence[Field]) -> tuple[str | None, ...]:
    """The values of HEADER_TYPES, in order.

    Raises:
        NotAMessage: A header or an amount is not built as it has to be, or there is no block at all.
    """
    blocks = message.blocks
    if not {BASIC, APPLICATION, TEXT} & set(blocks):
        raise NotAMessage("blocks", "neither a header (1, 2) nor a text (4) is there", message.at)
    contents = {f"block{name}": blocks[name].content for name in (BASIC, APPLICATION, USER, TRAILER) if name in blocks}
    row: _Row = dict(contents)
    row.update(_basic(message))
    row.update(_application(message, row))
    row.update(_services(fields))
    row.update(_amounts(fields))
    return tuple(row.get(name) for name in HEADER_TYPES)


def _basic(message: Message) -> _Row:
    block = message.blocks.get(BASIC)
    if block is None:
        return {}
    found = _BASIC.fullmatch(block.content.strip())
    if found is None:
        raise NotAMessage("block1", "block 1 is not built as a basic header", block.at)
    application, service, terminal, session, sequence = found.groups()
    return {
        "application_id": application,
        "service_id": service,
        "sender": bic_of(terminal),  # of what is sent; see _application
        "session_number": session,
        "sequence_number": sequence,
    }


def _application(message: Message, row: Mapping[str, str | None]) -> _Row:
    block = message.blocks.get(APPLICATION)
    if block is None:
        return {}
    content, own = block.content.strip(), row.get("sender")
    if sent := _INPUT.fullmatch(content):
        kind, terminal, priority = sent.groups()
        return {"direction": "I", "message_type": kind, "receiver": bic_of(terminal), "priority": priority}
    received = _OUTPUT.fullmatch(content)
    if received is None:
        raise NotAMessage("block2", "block 2 is not built as an application header", block.at)
    kind, input_time, input_date, terminal, _, output_date, output_time, priority = received.groups()
    return {
        "direction": "O",
        "message_type": kind,
        "sender": bic_of(terminal),
        "receiver": own,
        "priority": priority,
        "input_time": input_time,
        "input_date": iso_date(input_date),
        "output_date": iso_date(output_date or ""),
        "output_time": output_time,
    }


def bic_of(terminal: str) -> str:
    """The BIC of a logical terminal, whose ninth character is the terminal's own."""
    return terminal[:8] + terminal[9:]


def _services(fields: Sequence[Field]) -> _Row:
    of_user = {found.tag: found.value for found in fields if found.block == USER}
    # An acknowledgement has its fields in a block 4 of blocks.
    of_text = {found.tag: found.value for found in fields if found.block == TEXT and len(found.tag) == 3}
    row: _Row = {"mur": of_user.get("108"), "uetr": of_user.get("121"), "validation_flag": of_user.get("119")}
    if "451" in of_text:
        row["acknowledged"] = {"0": "true", "1": "false"}.get(of_text["451"])
        row["mur"] = row["mur"] or of_text.get("108")
    row["error_code"] = of_text.get("405")
    return row


def _amounts(fields: Sequence[Field]) -> _Row:
    row: _Row = {}
    for found in fields:
        if found.block != TEXT or found.tag not in (*_WITH_DATE, *_WITHOUT_DATE):
            continue
        date, currency, amount = _money(found)
        if found.tag == "33B":
            row.setdefault("instructed_currency", currency)
            row.setdefault("instructed_amount", amount)
        elif "amount" not in row:
            row |= {"value_date": date, "currency": currency, "amount": amount}
    return row


def _money(found: Field) -> tuple[str | None, str, str]:
    """Date, currency and plain amount of a field that packs them."""
    match = _MONEY.fullmatch(found.value.strip())
    if match is None or (match[1] is None) == (found.tag in _WITH_DATE):
        raise NotAMessage(f"field_{found.tag}", f"tag :{found.tag}: is not built of its parts", found.at)
    date = iso_date(match[1]) if match[1] else None
    if match[1] and date is None:
        raise NotAMessage(f"field_{found.tag}", f"tag :{found.tag}: has a date that is not of the calendar", found.at)
    whole, _, cents = match[3].partition(",")
    whole = whole.lstrip("0") or "0"
    return date, match[2], f"{whole}.{cents}" if cents else whole
