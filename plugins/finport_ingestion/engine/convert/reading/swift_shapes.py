"""Information to the account owner (`:86:`) of many transactions at once: what swift_details finds, by shape.

A bank writes its texts alike: the same subfields, with the same keys in them. All texts of the shape of one are taken
apart together; what has no such shape, or a character that JSON escapes, is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.swift_details import (
    COLUMNS,
    KEYS,
    NOTHING,
    PURPOSE,
    SUBFIELDS,
    details_of,
    keyed,
    keys_of,
    subfields_of,
)

NAMES = ("details_structure", "details_parts", *COLUMNS)
_KEYED = ("BIC", "IBAN", "EREF", "KREF", "MREF", "CRED", "SVWZ")
_FEW = 64  # texts for which a shape is not worth the passes
_MOST_SHAPES = 24
_ESCAPED = r'["\\\x00-\x1f]'
_CODE = r"^(?:[ ]*(?P<code>[0-9]{3}))?[ ]*$"
_LETTER = r"^[A-Za-z]"
_COLON = ":"
_NULL = pa.scalar(None, pa.string())

_Columns: TypeAlias = list[pa.StringArray]
_Rows: TypeAlias = npt.NDArray[np.int64]
_Flags: TypeAlias = npt.NDArray[np.bool_]


class Shape(Protocol):
    """What the texts of one shape have in common."""

    def take(self, texts: pa.StringArray) -> tuple[_Flags, _Columns]:
        """Which texts are of this shape, and the columns of those."""
        ...


def details_columns(texts: pa.StringArray) -> dict[str, pa.StringArray]:
    """What `details_of` says of each text, which has no line breaks; nulls where there is none."""
    there = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
    some = texts if len(there) == len(texts) else texts.take(pa.array(there))
    columns = _by_shapes(some, len(NAMES), shape_of=_details_shape, alone=details_of)
    if len(there) < len(texts):
        places = np.full(len(texts), -1, np.int64)
        places[there] = np.arange(len(there))
        columns = [column.take(pa.array(places, mask=places < 0)) for column in columns]
    return dict(zip(NAMES, columns, strict=True))


def _by_shapes(
    texts: pa.StringArray,
    width: int,
    *,
    shape_of: Callable[[str], Shape | None],
    alone: Callable[[str], Sequence[str | None]],
) -> _Columns:
    """The columns of all texts: shape by shape, and one by one where that does not pay."""
    left = np.arange(len(texts))
    single: list[int] = []
    rows: list[_Rows] = []
    made: list[_Columns] = []
    for _ in range(_MOST_SHAPES):
        if len(left) < _FEW:
            break
        shape = shape_of(texts[left[0]].as_py())
        fits = np.zeros(len(left), np.bool_)
        if shape is not None:
            fits, columns = shape.take(texts if len(left) == len(texts) else texts.take(pa.array(left)))
            rows.append(left[fits])
            made.append(columns)
        if not fits[0]:
            single.append(int(left[0]))
            fits[0] = True
        left = left[~fits]
    rest = [*single, *left.tolist()]
    found = [alone(text) for text in texts.take(pa.array(rest, pa.int64())).to_pylist()]
    rows.append(np.array(rest, np.int64))
    made.append([pa.array([values[at] for values in found], pa.string()) for at in range(width)])
    order = np.argsort(np.concatenate(rows), kind="stable")
    columns = [pa.concat_arrays([each[at] for each in made]) for at in range(width)]
    if bool((order[1:] > order[:-1]).all()):
        return columns
    return [column.take(pa.array(order)) for column in columns]


def _details_shape(text: str) -> Shape | None:
    found = subfields_of(text)
    if found is not None:
        mark, codes = found
        return _Subfields(mark, codes) if len(set(codes)) == len(codes) else None
    return _Prose() if text[:1].isascii() and text[:1].isalpha() else None


def _keyed_columns(purposes: pa.StringArray) -> dict[str, pa.StringArray]:
    columns = _by_shapes(purposes, len(_KEYED), shape_of=_keyed_shape, alone=_keyed_alone)
    return dict(zip(_KEYED, columns, strict=True))


def _keyed_alone(purpose: str) -> list[str | None]:
    found = keyed(purpose)
    return [found.get(key) for key in _KEYED]


def _keyed_shape(purpose: str) -> Shape | None:
    if "+" in purpose:
        keys = keys_of(purpose)
        return _Keys(keys) if keys else None
    return None if _COLON in purpose else _NoKeys()


@dataclass(frozen=True, slots=True)
class _Prose:
    """Texts without a structure."""

    def take(self, texts: pa.StringArray) -> tuple[_Flags, _Columns]:
        fits = _flags(pc.match_substring_regex(texts, _LETTER))
        return fits, [pa.nulls(int(fits.sum()), pa.string()) for _ in NOTHING]


@dataclass(frozen=True, slots=True)
class _Subfields:
    """Texts with the same subfields in the same order, each once."""

    mark: str
    codes: tuple[str, ...]

    def take(self, texts: pa.StringArray) -> tuple[_Flags, _Columns]:
        fits, pieces = _pieces(texts, self.mark, len(self.codes) + 1)
        inside = texts.filter(pa.array(fits))
        good = ~_flags(pc.match_substring_regex(inside, _ESCAPED)) & _flags(pc.match_substring_regex(pieces[0], _CODE))
        for code, piece in zip(self.codes, pieces[1:], strict=True):
            good &= _flags(pc.starts_with(piece, code))
        fits, pieces = _narrowed(fits, good, pieces)
        values = [pc.utf8_slice_codeunits(piece, 2) for piece in pieces[1:]]
        return fits, self._columns(pieces[0], dict(zip(self.codes, values, strict=True)))

    def _columns(self, begin: pa.StringArray, parts: dict[str, pa.StringArray]) -> _Columns:
        nothing = pa.nulls(len(begin), pa.string())
        code = pc.struct_field(pc.extract_regex(begin, pattern=_CODE), "code")
        lines = [values for key, values in parts.items() if key in PURPOSE]
        found = _keyed_columns(_joined(lines, "") if lines else pa.array([""] * len(begin), pa.string()))
        names = [parts[key] for key in ("32", "33") if key in parts]
        get = parts.get
        return [
            pa.array([SUBFIELDS] * len(begin), pa.string()),
            self._json(parts),
            _optional(code),
            get("00", nothing),
            get("10", nothing),
            _joined(lines, "\n") if lines else nothing,
            get("30", found["BIC"]),
            get("31", get("38", found["IBAN"])),
            _optional(_joined(names, "")) if names else nothing,
            get("34", nothing),
            *(found[key] for key in ("EREF", "KREF", "MREF", "CRED", "SVWZ")),
        ]

    def _json(self, parts: dict[str, pa.StringArray]) -> pa.StringArray:
        spelled: list[pa.StringArray | str] = []
        for place, (code, values) in enumerate(parts.items()):
            spelled += [f'{"," if place else "{"}"{code}":"', values, '"']
        return _joined([*spelled, "}"], "")


@dataclass(frozen=True, slots=True)
class _Keys:
    """Purposes with the same keys in the same order: `EREF+...SVWZ+...`."""

    keys: tuple[str, ...]

    def take(self, texts: pa.StringArray) -> tuple[_Flags, _Columns]:
        fits, pieces = _pieces(texts, "+", len(self.keys) + 1)
        good = ~_flags(pc.match_substring_regex(pieces[-1], _ENDS_IN_KEY))
        for key, piece in zip(self.keys, pieces[:-1], strict=True):
            good &= _flags(pc.ends_with(piece, key))
        fits, pieces = _narrowed(fits, good, pieces)
        values: dict[str, pa.StringArray] = {}
        for place, key in enumerate(self.keys):
            value = pieces[place + 1]
            if place + 1 < len(self.keys):
                value = pc.utf8_slice_codeunits(value, 0, -len(self.keys[place + 1]))
            values[key] = pc.utf8_trim_whitespace(value)
        nothing = pa.nulls(len(pieces[0]), pa.string())
        return fits, [values.get(key, nothing) for key in _KEYED]


@dataclass(frozen=True, slots=True)
class _NoKeys:
    """Purposes with no sign that stands behind a key."""

    def take(self, texts: pa.StringArray) -> tuple[_Flags, _Columns]:
        fits = ~_flags(pc.match_substring_regex(texts, "[+:]"))
        return fits, [pa.nulls(int(fits.sum()), pa.string()) for _ in _KEYED]


_ENDS_IN_KEY = rf"(?:{'|'.join(sorted(KEYS))})$"


def _pieces(texts: pa.StringArray, mark: str, count: int) -> tuple[_Flags, _Columns]:
    """Which texts have so many pieces between marks, and those pieces: first ones, second ones ..."""
    split = pc.split_pattern(texts, mark)
    fits = _flags(pc.equal(pc.list_value_length(split), count))
    flat = split.filter(pa.array(fits)).flatten()
    return fits, [flat.take(pa.array(np.arange(at, len(flat), count))) for at in range(count)]


def _narrowed(fits: _Flags, good: _Flags, pieces: _Columns) -> tuple[_Flags, _Columns]:
    """`good` tells of those that fit which do indeed."""
    if good.all():
        return fits, pieces
    narrow = fits.copy()
    narrow[fits] = good
    return narrow, [piece.filter(pa.array(good)) for piece in pieces]


def _joined(parts: Sequence[pa.StringArray | str], between: str) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, between)


def _optional(texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(texts, ""), _NULL, texts)


def _flags(found: pa.BooleanArray) -> _Flags:
    flags: _Flags = found.to_numpy(zero_copy_only=False).astype(np.bool_)
    return flags
