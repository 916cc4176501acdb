"""Fedwire messages (FAIM): every tag with its value, and the fields that most people ask for, one row a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.currencies import from_minor
from finport_ingestion.engine.convert.reading.message_tables import MessageTables, nothing_in
from finport_ingestion.engine.convert.reading.text_lines import TextFile
from finport_ingestion.engine.errors import FormatError

_TAG = re.compile(r"\{(\d{4})\}")
_TAG_BYTES = re.compile(rb"\{([0-9]{4})\}")
_END_BYTES = 65_536
_APPENDED = frozenset({"1100", "1110", "1120", "1130"})
"""What the Fedwire service puts in front of a message that it delivers; some programs write it behind."""
_FIRST = frozenset({"1500", "1510", "1520"})
_MANDATORY = ("1520", "2000", "3100", "3400", "3600")
_CENTS = re.compile(r"[0-9]{12,18}")
_INSTRUCTED = re.compile(r"([A-Z]{3})([0-9]+),([0-9]*)")
Fields = dict[str, str | None]

_PARTY = {"id_code": "text", "identifier": "text", "name": "text", "address": "text"}
SCHEMA = {
    "messages": {
        "message": "integer",
        "imad": "text",
        "imad_date": "date",
        "imad_source": "text",
        "imad_sequence": "text",
        "omad": "text",
        "disposition": "text",
        "received": "text",
        "format_version": "text",
        "user_request_correlation": "text",
        "test_production_code": "text",
        "duplication_code": "text",
        "type_code": "text",
        "subtype_code": "text",
        "amount": "decimal(18,2)",
        "sender_routing_number": "text",
        "sender_name": "text",
        "receiver_routing_number": "text",
        "receiver_name": "text",
        "business_function_code": "text",
        "transaction_type_code": "text",
        "sender_reference": "text",
        "previous_message": "text",
        "charges": "text",
        "instructed_currency": "text",
        "instructed_amount": "decimal(18,2)",
        "exchange_rate": "text",
        **{f"originator_{name}": kind for name, kind in _PARTY.items()},
        **{f"originator_fi_{name}": kind for name, kind in _PARTY.items()},
        **{f"beneficiary_{name}": kind for name, kind in _PARTY.items()},
        **{f"beneficiary_fi_{name}": kind for name, kind in _PARTY.items()},
        "beneficiary_reference": "text",
        "originator_to_beneficiary": "text",
    },
    "tags": {"message": "integer", "position": "integer", "tag": "text", "value": "text", "as_delivered": "text"},
}


class Unreadable(Exception):
    """A tag that is not as FAIM says: `tag`, and why."""

    def __init__(self, tag: str, why: str) -> None:
        super().__init__(f"tag {{{tag}}} {why}")
        self.tag = tag


@dataclass(slots=True)
class _Message:
    tags: list[tuple[str, str]] = field(default_factory=list)  # tag, text up to the next one
    offset: int = 0  # characters before it
    broken: bool = False  # it has bytes that are not of the encoding

    def begins_with(self, tag: str, *, appended_behind: bool) -> bool:
        """Whether `tag` is the first of another message."""
        seen = {found for found, _ in self.tags}
        if appended_behind:
            return tag in _FIRST and (tag in seen or bool(seen & _APPENDED))
        if tag in _APPENDED:
            return bool(seen - _APPENDED) or tag in seen
        return tag in _FIRST and tag in seen


def read_fedwire(raw: RawFile, *, encoding: str | None = None) -> Iterator[Batch]:
    """Every message of `raw`.

    Raises:
        FormatError: It is empty, does not begin with a tag, or a message is longer than the limit.
    """
    file = TextFile(raw=raw, expected="a file of Fedwire messages", declared=encoding)
    tables = MessageTables(SCHEMA, "messages")
    number, last = 0, ""
    for message in _messages(file):
        number, last = number + 1, message.tags[-1][1]
        _take(message, number, tables)
        if tables.full:
            yield from tables.batches()
    if not number:
        yield from nothing_in(raw, tables)
        return
    # An element of variable length ends with an asterisk, and each tag with its line.
    if not last.endswith(("*", "\r", "\n")):
        tables.warn(f"message {number}, the last one, ends in the middle of a tag: the file may be cut.")
    tables.facts["encoding"] = file.encoding().name
    yield from tables.batches(final=True)


def _messages(file: TextFile) -> Iterator[_Message]:
    message, offset = _Message(), 0
    behind = _appended_behind(file.raw)
    for tag, text, broken in _tags(file):
        if message.tags and message.begins_with(tag, appended_behind=behind):
            yield message
            message = _Message(offset=offset)
        message.tags.append((tag, text))
        message.broken |= broken
        offset += len(tag) + 2 + len(text)
    if message.tags:
        yield message


def _appended_behind(raw: RawFile) -> bool:
    """Whether the tags of the service stand behind each message: they end the file, and do not begin it."""
    with raw.open() as stream:
        first = _TAG_BYTES.search(stream.read(_END_BYTES))
        stream.seek(max(0, raw.size_bytes - _END_BYTES))
        tags = [tag.decode() for tag in _TAG_BYTES.findall(stream.read())]
    known = [tag for tag in tags if tag in _APPENDED or tag in _FIRST or tag in _MANDATORY]
    if first is None or not known:
        return False
    return first[1].decode() not in _APPENDED and known[-1] in _APPENDED


def _tags(file: TextFile) -> Iterator[tuple[str, str, bool]]:
    """Each tag with its text, line ends and all, and whether bytes of it are not of the encoding."""
    tag, parts, broken = "", [""], False
    for line in file.lines():
        text = line.text + line.end
        found = list(_TAG.finditer(text))
        head = text[: found[0].start()] if found else text
        if not tag and head.strip():
            raise FormatError(
                f"{file.raw.uri}: {line.place}: not a Fedwire message: it does not begin with a tag like {{1500}}.",
                offset_bytes=line.offset,
                hint="state the right 'format', or ask for the file again",
            )
        parts.append(head)
        broken |= line.broken
        for at, match in enumerate(found):
            if tag:
                yield tag, "".join(parts), broken
            end = found[at + 1].start() if at + 1 < len(found) else len(text)
            tag, parts, broken = match.group(1), [text[match.end() : end]], line.broken
    if tag:
        yield tag, "".join(parts), broken


def _take(message: _Message, number: int, tables: MessageTables) -> None:
    text = "".join(f"{{{tag}}}{found}" for tag, found in message.tags)
    tables.taken_bytes += len(text)
    if message.broken:
        reason = f"message {number}, character {message.offset}: bytes that are not of the file's encoding"
        tables.reject(rule="encoding", reason=reason, text=text)
        return
    try:
        fields = _fields(message.tags)
    except Unreadable as fault:
        reason = f"message {number}, character {message.offset}: {fault}"
        tables.reject(rule="bad_tag", reason=reason, text=text, column=f"{{{fault.tag}}}")
        return
    records: list[tuple[str, Fields]] = [("messages", {"message": str(number), **fields})]
    for position, (tag, found) in enumerate(message.tags, 1):
        value = found.strip("\r\n")
        row: Fields = {"message": str(number), "position": str(position), "tag": tag}
        records.append(("tags", {**row, "value": value, "as_delivered": found}))
    tables.add_unit(records)


def _fields(tags: list[tuple[str, str]]) -> Fields:
    values: dict[str, str] = {}
    for tag, text in tags:
        if tag in values and tag in ("1510", *_MANDATORY):
            raise Unreadable(tag, "stands twice in one message")
        values.setdefault(tag, text.strip("\r\n"))
    for tag in _MANDATORY:
        if tag not in values:
            raise Unreadable(tag, "is missing")
    found: Fields = {}
    for tag, read in _READ.items():
        if tag in values:
            found |= read(values[tag])
    return found


def _imad(value: str) -> Fields:
    text = value.strip().removesuffix("*")
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError:
        raise Unreadable("1520", "does not begin with a date (YYYYMMDD)") from None
    return {"imad": text, "imad_date": day, "imad_source": text[8:16].strip(), "imad_sequence": text[16:].strip()}


def _amount(value: str) -> Fields:
    text = value.strip().removesuffix("*")
    if not _CENTS.fullmatch(text):
        raise Unreadable("2000", "is not 12 digits (cents)")
    return {"amount": from_minor(text)}


def _instructed(value: str) -> Fields:
    match = _INSTRUCTED.fullmatch(value.strip().removesuffix("*"))
    if match is None:
        raise Unreadable("3710", "is not a currency and an amount with a decimal comma")
    whole = match.group(2).lstrip("0") or "0"
    amount = f"{whole}.{match.group(3)}" if match.group(3) else whole
    return {"instructed_currency": match.group(1), "instructed_amount": amount}


def _supplied(value: str) -> Fields:
    return {
        "format_version": value[:2],
        "user_request_correlation": value[2:10].strip(),
        "test_production_code": value[10:11].strip(),
        "duplication_code": value[11:12].strip(),
    }


def _bank(name: str) -> Callable[[str], Fields]:
    def read(value: str) -> Fields:
        return {f"{name}_routing_number": value[:9].strip(), f"{name}_name": value[9:].strip().removesuffix("*")}

    return read


def _party(name: str) -> Callable[[str], Fields]:
    """An identification code of one letter, an identifier, a name and up to three lines, each ended by `*`."""

    def read(value: str) -> Fields:
        elements = value.split("*")
        code = elements[0][:1].strip()
        found: Fields = {f"{name}_id_code": code, f"{name}_identifier": elements[0][1:].strip()}
        found[f"{name}_name"] = elements[1].strip() if len(elements) > 1 else None
        found[f"{name}_address"] = "\n".join(line.strip() for line in elements[2:] if line.strip())
        return found

    return read


def _plain(name: str) -> Callable[[str], Fields]:
    return lambda value: {name: value.strip().removesuffix("*")}


def _lines(name: str) -> Callable[[str], Fields]:
    return lambda value: {name: "\n".join(line.strip() for line in value.split("*") if line.strip())}


_READ: dict[str, Callable[[str], Fields]] = {
    "1100": _plain("disposition"),
    "1110": _plain("received"),
    "1120": _plain("omad"),
    "1500": _supplied,
    "1510": lambda value: {"type_code": value[:2].strip(), "subtype_code": value[2:4].strip()},
    "1520": _imad,
    "2000": _amount,
    "3100": _bank("sender"),
    "3400": _bank("receiver"),
    "3600": lambda value: {
        "business_function_code": value[:3].strip("* "),
        "transaction_type_code": value[3:].strip().removesuffix("*"),
    },
    "3320": _plain("sender_reference"),
    "3500": _plain("previous_message"),
    "3700": _plain("charges"),
    "3710": _instructed,
    "3720": _plain("exchange_rate"),
    "4100": _party("beneficiary_fi"),
    "4200": _party("beneficiary"),
    "4320": _plain("beneficiary_reference"),
    "5000": _party("originator"),
    "5100": _party("originator_fi"),
    "6000": _lines("originator_to_beneficiary"),
}
