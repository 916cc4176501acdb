"""Texts and attribute values of many elements at once, as a parser gives them: references resolved, blanks null."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.reading.xml_tokens import Bytes, Ints, Tokens, Unproved

NULL = -1
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([a-z]+));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_WHITE = np.zeros(256, np.bool_)
_WHITE[[9, 10, 13, 32]] = True
_BLANKS = " \t\r\n"
_SPACES = {9: " ", 10: " ", 13: " "}
_AMPERSAND, _NEWLINE, _TAB = 38, 10, 9


@dataclass(slots=True)
class Texts:
    """The pieces of a text by number, and texts that stand nowhere in it as they are meant, behind them."""

    pieces: pa.StringArray
    extra: list[str] = field(default_factory=list)

    def add(self, text: str | None) -> int:
        """The number of one more text."""
        if text is None:
            return NULL
        self.extra.append(text)
        return len(self.pieces) + len(self.extra) - 1

    def array(self) -> pa.StringArray:
        """All of them."""
        return pa.concat_arrays([self.pieces, pa.array(self.extra, pa.string())]) if self.extra else self.pieces

    def get(self, number: int) -> str | None:
        if number == NULL:
            return None
        own = number - len(self.pieces)
        text: str = self.extra[own] if own >= 0 else self.pieces[number].as_py()
        return text


def leaf_texts(texts: Texts, tokens: Tokens, tags: Ints, *, longest: int) -> Ints:
    """The number of the text behind each of some tags; NULL where it is blank.

    Args:
        longest: Bytes of the longest text that may be.

    Raises:
        Unproved: One is longer, or has a reference to no character.
    """
    starts, ends = tokens.ends[tags] + 1, tokens.starts[tags + 1]
    _bound(ends - starts, longest)
    numbers = tokens.text_pieces(tags)
    numbers[starts == ends] = NULL
    white = (starts < ends) & _WHITE[tokens.text[np.minimum(starts, len(tokens.text) - 1)]]
    for at in np.flatnonzero(white).tolist():
        if not texts.pieces[numbers[at]].as_py().strip(_BLANKS):
            numbers[at] = NULL
    these = _with(tokens.text, (_AMPERSAND,), starts, ends)
    _replace(texts, numbers, these[numbers[these] != NULL], lambda text: _filled(_resolved(text)))
    return numbers


def value_texts(texts: Texts, tokens: Tokens, *, longest: int) -> Ints:
    """The number of each attribute value.

    Raises:
        Unproved: One is too long, or has a reference to no character.
    """
    numbers = tokens.value_pieces
    if len(numbers) == 0:
        return numbers
    bounds = np.frombuffer(tokens.pieces.buffers()[1], np.int32)
    starts, ends = bounds[numbers], bounds[numbers + 1]
    _bound(ends - starts, longest)
    content = texts.pieces.take(pa.array(numbers)).buffers()[2]
    if content is None or not any(mark in content.to_pybytes() for mark in (b"&", b"\n", b"\t")):
        return numbers
    these = _with(tokens.text, (_AMPERSAND, _NEWLINE, _TAB), starts, ends)
    _replace(texts, numbers, these, lambda text: _resolved(text.translate(_SPACES)))
    return numbers


def _replace(texts: Texts, numbers: Ints, these: Ints, meant: Callable[[str], str | None]) -> None:
    """Put what they mean in the place of some texts; the same text is looked at once."""
    if len(these) == 0:
        return
    spelled = texts.pieces.take(pa.array(numbers[these])).dictionary_encode()
    found = np.array([texts.add(meant(text)) for text in spelled.dictionary.to_pylist()], np.int32)
    numbers[these] = found[spelled.indices.to_numpy()]


def _filled(text: str) -> str | None:
    return text if text.strip(_BLANKS) else None


def _bound(lengths: Ints, longest: int) -> None:
    if len(lengths) and int(lengths.max()) > longest:
        raise Unproved


def _with(text: Bytes, codes: tuple[int, ...], starts: Ints, ends: Ints) -> Ints:
    """Which of some spans, in order, hold one of these bytes."""
    found = text == codes[0]
    for code in codes[1:]:
        found |= text == code
    places = np.flatnonzero(found)
    spans = (np.searchsorted(starts, places, side="right") - 1).astype(np.int32)
    inside = (spans >= 0) & (places < ends[spans]) if len(starts) else np.zeros(len(places), np.bool_)
    return np.unique(spans[inside])


def _resolved(text: str) -> str:
    return _REFERENCE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    allowed = code in (9, 10, 13) or 32 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    if not allowed:
        raise Unproved
    return chr(code)
