"""One column of JSON lines, out of the fields between their commas, with a proof that each is a key and a value."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.digits import read_numbers
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.reading.json_template import with_commas

_QUOTE, _BACKSLASH, _SPACE = 34, 92, 32
_N, _T, _F, _MINUS, _ZERO, _NINE = 110, 116, 102, 45, 48, 57
_FAR = 2**31 - 1  # without a stop, Arrow's slice runs over
_EXACT_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
"""As JSON writes it, but for exponents, which are written out on the exact way."""

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is known of the whole window that a column stands in."""

    masked: bool  # commas inside strings stand as another byte
    escapes: bool  # there are backslashes


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column as texts, and what all of them were; None where all are null.

    That numbers are such is left to `are_numbers`, or to a look that finds them to be decimals.
    """

    values: pa.StringArray
    origin: Origin | None


def column_of(fields: pa.StringArray, *, before: str, behind: str, traits: Traits) -> Column | None:
    """The values of `fields`, each of which is `before`, one token and `behind`.

    None where a field is something else, and where tokens are of different kinds.
    """
    skip, cut = len(before.encode()), len(behind.encode())
    if not _all(pc.starts_with(fields, before)) or (behind and not _all(pc.ends_with(fields, behind))):
        return None
    content, starts, ends = laid_out(fields)
    starts = starts + skip
    if not bool((ends - cut > starts).all()):
        return None
    first = content.take(starts)
    null = first == _N
    if not null.any():
        return _column(fields, first, skip, cut, traits)
    if not _all(pc.equal(fields.filter(_booleans(null)), f"{before}null{behind}")):
        return None
    if null.all():
        return Column(pa.nulls(len(fields), pa.string()), None)
    found = _column(fields.filter(_booleans(~null)), first[~null], skip, cut, traits)
    return None if found is None else Column(_spread(found.values, ~null), found.origin)


def laid_out(values: pa.StringArray) -> tuple[Bytes, Places, Places]:
    """The bytes of texts that have no nulls among them, end to end, and where each begins and ends."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    places: Places = offsets.astype(np.int64)
    content = values.buffers()[2]
    if content is None:
        return np.empty(0, np.uint8), places[:-1], places[1:]
    taken = np.frombuffer(content, np.uint8)[places[0] : places[-1]]
    places -= places[0]
    return taken, places[:-1], places[1:]


def _column(fields: pa.StringArray, first: Bytes, skip: int, cut: int, traits: Traits) -> Column | None:
    if first[0] == _QUOTE:
        strings = _strings(fields, first, skip, cut, traits)
        return None if strings is None else Column(strings, Origin.STRING)
    tokens = _sliced(fields, skip, cut)
    if first[0] in (_T, _F):
        known = _all(pc.or_(pc.equal(tokens, "true"), pc.equal(tokens, "false")))
        return Column(tokens, Origin.BOOLEAN) if known else None
    return Column(tokens, Origin.NUMBER) if _begin_as_numbers(tokens, first) else None


def are_numbers(tokens: pa.StringArray) -> bool:
    """Whether each token is a number as JSON writes it, without exponent."""
    bare = tokens.drop_null() if tokens.null_count else tokens
    return read_numbers(bare) is not None or _all(pc.match_substring_regex(bare, _EXACT_NUMBER))


def _begin_as_numbers(tokens: pa.StringArray, first: Bytes) -> bool:
    """Whether tokens begin with a digit behind their sign: proofs of decimals elsewhere take `-.5` too."""
    negative = first == _MINUS
    if not bool((((first - np.uint8(_ZERO)) <= _NINE - _ZERO) | negative).all()):
        return False
    return not negative.any() or not _any(pc.starts_with(tokens, "-."))


def _strings(fields: pa.StringArray, first: Bytes, skip: int, cut: int, traits: Traits) -> pa.StringArray | None:
    """The strings without their quotes and escapes; None where a field is no string."""
    content, starts, ends = laid_out(fields)
    last = ends - cut - 1
    if not bool((first == _QUOTE).all() and (content.take(last) == _QUOTE).all() and (last > starts + skip).all()):
        return None
    values = _sliced(fields, skip + 1, cut + 1)
    content, _, _ = laid_out(values)
    if traits.escapes and bool((content == _BACKSLASH).any()):
        return _unescaped(values, traits)
    return None if bool((content == _QUOTE).any()) else _whole(values, traits)


def _whole(values: pa.StringArray, traits: Traits) -> pa.StringArray | None:
    """With the commas back where they stood; None where there is a control character."""
    content, starts, ends = laid_out(values)
    if traits.masked:
        content = with_commas(content)
        places = np.append(starts, ends[-1:]).astype(np.int32)
        values = pa.StringArray.from_buffers(len(values), pa.py_buffer(places), pa.py_buffer(content))
    return None if len(content) and int(content.min()) < _SPACE else values


def _unescaped(values: pa.StringArray, traits: Traits) -> pa.StringArray | None:
    """The few with a backslash one by one; the others are without quotes."""
    escaped = pc.match_substring(values, "\\")
    if _any(pc.match_substring(values.filter(pc.invert(escaped)), '"')):
        return None
    whole = _whole(values, traits)
    if whole is None:
        return None
    found = [_string(text) for text in whole.filter(escaped).to_pylist()]
    if any(text is None for text in found):
        return None
    return pc.replace_with_mask(whole, escaped, pa.array(found, pa.string()))


def _string(text: str) -> str | None:
    """What stands between the quotes of a JSON string, read; None where the exact way must say what is wrong."""
    try:
        value = json.loads(f'"{text}"')
        value.encode()
    except ValueError:
        return None
    return value if isinstance(value, str) and "\0" not in value else None


def _sliced(fields: pa.StringArray, skip: int, cut: int) -> pa.StringArray:
    """Without so many bytes at both ends, all of which are whole characters."""
    found = pc.binary_slice(fields.view(pa.binary()), skip, -cut if cut else _FAR)
    return found.view(pa.string())


def _spread(values: pa.StringArray, valid: Flags) -> pa.StringArray:
    """`values` at the places that are `valid`, null elsewhere."""
    places = pa.py_buffer(np.cumsum(valid, dtype=np.int64) - 1)
    bits = _booleans(valid).buffers()[1]
    return values.take(pa.Int64Array.from_buffers(pa.int64(), len(valid), [bits, places]))


def _booleans(flags: Flags) -> pa.BooleanArray:
    bits = pa.py_buffer(np.packbits(flags, bitorder="little"))
    return pa.BooleanArray.from_buffers(pa.bool_(), len(flags), [None, bits])


def _all(flags: pa.BooleanArray) -> bool:
    return bool(pc.all(flags, min_count=0).as_py())


def _any(flags: pa.BooleanArray) -> bool:
    return bool(pc.any(flags, min_count=0).as_py())
