"""FIN messages as blocks: `{1:...}{2:...}{3:...}{4:...-}{5:...}`, whatever stands between the messages."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

BASIC, APPLICATION, USER, TEXT, TRAILER = "1", "2", "3", "4", "5"

_BEGIN = re.compile(r"\{([0-9A-Z]):")
_NEXT = re.compile(r"[ \t\n]*\{([0-9A-Z]):")
_FIRST = re.compile(r"\{1:")
_END_OF_TEXT = re.compile(r"(?:^|\n)-\}")
_INNER = re.compile(r"\{([0-9A-Z]{1,3}):([^{}]*)\}")
_FIELD = re.compile(r"(?:^|\n):([0-9]{2}[A-Z]?):")
_BRACE = re.compile(r"[{}]")
# Between messages: RJE's dollar, the marks of DOS-PCC, blanks.
_BETWEEN = "$ \t\n\r\x01\x03\0"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a message."""

    name: str
    content: str
    at: int  # where its content begins in the text


@dataclass(slots=True)
class Message:
    """The blocks of one message, as far as they can be told apart."""

    at: int  # where it begins in the text
    end: int
    blocks: dict[str, Block] = field(default_factory=dict)
    fault: str = ""  # why it cannot be read; empty where it can


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message."""

    block: str
    tag: str  # "32A"; "108" in other blocks than 4; empty for text before the first field
    value: str  # lines are separated by LF
    at: int  # where it begins in the text


def messages_of(text: str, *, nesting: int) -> Iterator[Message | tuple[int, str]]:
    """The messages of `text` in order; and, with its place, what stands between them and is not of the transport."""
    firsts = [found.start() for found in _FIRST.finditer(text)]
    at = 0
    while (begin := _BEGIN.search(text, at)) is not None:
        yield from _between(text, at, begin.start())
        message = _message(text, begin.start(), firsts, nesting)
        yield message
        at = message.end
    yield from _between(text, at, len(text))


def _between(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    left = text[begin:end].lstrip(_BETWEEN)
    if left:
        yield end - len(left), left.rstrip(_BETWEEN)


def fields_of(message: Message) -> Iterator[Field]:
    """The fields of all blocks, in order."""
    for block in message.blocks.values():
        if block.name == TEXT and not block.content.lstrip().startswith("{"):
            yield from _text_fields(block)
        else:
            for found in _INNER.finditer(block.content):
                yield Field(block.name, found[1], found[2], block.at + found.start())


def _text_fields(block: Block) -> Iterator[Field]:
    found = [*_FIELD.finditer(block.content)]
    ends = [*(match.start() for match in found), len(block.content)]
    if block.content[: ends[0]].strip():
        yield Field(TEXT, "", block.content[: ends[0]], block.at)
    for match, end in zip(found, ends[1:], strict=True):
        value = block.content[match.end() : end].removesuffix("\n")
        yield Field(TEXT, match[1], value, block.at + match.start(1) - 1)


def _message(text: str, at: int, firsts: list[int], nesting: int) -> Message:
    """The message that begins at `at`: its blocks follow each other with nothing but blanks between."""
    message = Message(at, at)
    last = ""
    while (begin := _NEXT.match(text, message.end)) is not None:
        name = begin[1]
        again = name in message.blocks or (name == BASIC and bool(message.blocks))
        if again or (name.isdigit() and last.isdigit() and name < last):
            break
        follows = bisect_left(firsts, begin.end())
        limit = firsts[follows] if follows < len(firsts) else len(text)
        end, fault = _end(text, begin, limit, nesting)
        message.end = end
        if fault:
            message.fault = f"block {name} {fault}"
            break
        content = text[begin.end() : end - (2 if name == TEXT and text.startswith("-}", end - 2) else 1)]
        plain = content.lstrip("\n")
        message.blocks[name] = Block(name, plain.rstrip("\n"), begin.end() + len(content) - len(plain))
        last = name
    return message


def _end(text: str, begin: re.Match[str], limit: int, nesting: int) -> tuple[int, str]:
    """Where a block ends, behind its brace; else `limit`, where the next message begins, and what is wrong."""
    if text.startswith("-}", begin.end()):
        return begin.end() + 2, ""
    if begin[1] == TEXT and not text[begin.end() : begin.end() + 8].lstrip().startswith("{"):
        found = _END_OF_TEXT.search(text, begin.end(), limit)
        return (found.end(), "") if found else (limit, "has no end (-} in a line of its own)")
    depth = 1
    for brace in _BRACE.finditer(text, begin.end(), limit):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end(), ""
        if depth > nesting:
            return limit, f"is nested deeper than {nesting}"
    return limit, "has no end (})"
