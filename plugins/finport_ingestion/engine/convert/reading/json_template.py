"""What lines of JSON have in common: the same keys in the same order, between the same bytes.

Where all lines of a window are `{"a":` value `,"b":` value `}` with values that are no lists or objects, a delimited
parser cuts them at the commas, and the bytes around each value are proved to be the template's afterwards.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np

_QUOTE, _COMMA, _BACKSLASH, _STAND_IN = 34, 44, 92, 0x1F
_BLANK = r"[ \t]*"
_FIELD = re.compile(
    rf'({_BLANK}"([^"\\,\x00-\x1f]*)"{_BLANK}:{_BLANK})("(?:[^"\\\x00-\x1f]|\\.)*"|[-+.0-9a-zA-Z]+)', re.ASCII
)


@dataclass(frozen=True, slots=True)
class Template:
    """The bytes before each value, by key, and those behind the last one."""

    keys: tuple[str, ...]
    before: tuple[str, ...]
    end: str


def template_of(line: bytes) -> Template | None:
    """The template of a line; None where it is no plain object with keys that are easily told."""
    try:
        text = line.decode().rstrip("\r\n")
        if not isinstance(json.loads(text), dict):
            return None
    except (ValueError, RecursionError):
        return None
    at = text.index("{") + 1
    keys: list[str] = []
    before: list[str] = []
    while True:
        match = _FIELD.match(text, at)
        if match is None:
            return None
        keys.append(match.group(2))
        before.append(match.group(1) if keys[1:] else text[: text.index("{") + 1] + match.group(1))
        at = match.end()
        rest = text[at:]
        if not rest.startswith(","):
            break
        at += 1
    if rest.strip(" \t") != "}" or len(set(keys)) < len(keys):
        return None
    return Template(tuple(keys), tuple(before), rest)


def without_commas_in_strings(window: memoryview) -> np.ndarray | None:
    """A copy of `window` whose commas inside strings are another byte; None where that stands in it already."""
    content = np.frombuffer(window, np.uint8)
    hidden = (content == _COMMA) & in_strings(content)
    if bool((content == _STAND_IN).any()):
        return None
    masked = content.copy()
    masked[hidden] = _STAND_IN
    return masked


def in_strings(content: np.ndarray) -> np.ndarray:
    """Which bytes stand inside strings, or are the quotes that they begin with."""
    quotes = content == _QUOTE
    backslashes = np.flatnonzero(content == _BACKSLASH)
    if len(backslashes):
        escaped = backslashes[_escapes(backslashes)] + 1
        quotes[escaped[escaped < len(content)]] = False
    inside: np.ndarray = (np.cumsum(quotes, dtype=np.uint8) & 1).view(bool)
    return inside


def with_commas(content: np.ndarray) -> np.ndarray:
    """The bytes of a column with its commas back."""
    return np.where(content == _STAND_IN, np.uint8(_COMMA), content)


def _escapes(backslashes: np.ndarray) -> np.ndarray:
    """Which of the backslashes begin an escape: the first, third ... of each run."""
    runs = np.flatnonzero(np.diff(backslashes, prepend=-2) != 1)
    lengths = np.diff(np.append(runs, len(backslashes)))
    place = np.arange(len(backslashes)) - np.repeat(runs, lengths)
    even: np.ndarray = place % 2 == 0
    return even
