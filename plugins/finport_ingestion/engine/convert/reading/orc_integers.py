"""The run-length encodings of ORC's integers and bits.

https://orc.apache.org/specification/ORCv1/#run-length-encoding
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.reading.orc_tail import read_varint

_WIDTHS = [*range(1, 25), 26, 28, 30, 32, 40, 48, 56, 64]
_SHORT, _DIRECT, _PATCHED = 0, 1, 2
_MASK = (1 << 64) - 1


def integers(content: bytes, *, count: int, signed: bool, second_version: bool) -> list[int]:
    """Exactly `count` integers.

    Raises:
        ArrowInvalid: There are fewer.
    """
    found: list[int] = []
    runs = _runs_2(content, signed=signed) if second_version else _runs_1(content, signed=signed)
    while len(found) < count:
        run = next(runs, None)
        if run is None:
            raise pa.ArrowInvalid("a stream that is cut")
        found.extend(run)
    return [(value + (1 << 63) & _MASK) - (1 << 63) for value in found[:count]]


def bits(content: bytes, *, count: int) -> np.ndarray:
    """Exactly `count` booleans.

    Raises:
        ArrowInvalid: There are fewer.
    """
    plain = bytearray()
    at = 0
    while at < len(content) and len(plain) * 8 < count:
        control = content[at]
        if control < 128:
            plain += content[at + 1 : at + 2] * (control + 3)
            at += 2
        else:
            plain += content[at + 1 : at + 257 - control]
            at += 257 - control
    if len(plain) * 8 < count:
        raise pa.ArrowInvalid("a stream that is cut")
    return np.unpackbits(np.frombuffer(bytes(plain), np.uint8), count=count).astype(bool)


def _runs_1(content: bytes, *, signed: bool) -> Iterator[list[int]]:
    at = 0
    while at < len(content):
        control, at = content[at], at + 1
        if control < 128:
            step = int.from_bytes(_take(content, at, 1), "big", signed=True)
            base, at = _varint(content, at + 1, signed=signed)
            yield [base + step * place for place in range(control + 3)]
            continue
        run = []
        for _ in range(256 - control):
            value, at = _varint(content, at, signed=signed)
            run.append(value)
        yield run


def _runs_2(content: bytes, *, signed: bool) -> Iterator[list[int]]:
    at = 0
    while at < len(content):
        first = content[at]
        way = first >> 6
        if way == _SHORT:
            size = (first >> 3 & 7) + 1
            value = int.from_bytes(_take(content, at + 1, size), "big")
            yield [_unzigzag(value) if signed else value] * ((first & 7) + 3)
            at += 1 + size
            continue
        length = ((first & 1) << 8 | _take(content, at + 1, 1)[0]) + 1
        code = first >> 1 & 31
        if way == _DIRECT:
            run, at = _unpack(content, at + 2, _WIDTHS[code], length)
            yield [_unzigzag(value) for value in run] if signed else run
        elif way == _PATCHED:
            run, at = _patched(content, at, _WIDTHS[code], length)
            yield run
        else:
            run, at = _delta(content, at + 2, _WIDTHS[code] if code else 0, length, signed=signed)
            yield run


def _patched(content: bytes, at: int, width: int, length: int) -> tuple[list[int], int]:
    third, fourth = _take(content, at + 2, 2)
    base_size, patch_width = (third >> 5) + 1, _WIDTHS[third & 31]
    gap_width, patches = (fourth >> 5) + 1, fourth & 31
    base = int.from_bytes(_take(content, at + 4, base_size), "big")
    sign = 1 << (base_size * 8 - 1)
    base = -(base & ~sign) if base & sign else base
    run, at = _unpack(content, at + 4 + base_size, width, length)
    entry_width = next(found for found in _WIDTHS if found >= gap_width + patch_width)
    entries, at = _unpack(content, at, entry_width, patches)
    place = 0
    for entry in entries:
        place += entry >> patch_width
        if place >= length:
            raise pa.ArrowInvalid("a stream that is damaged")
        run[place] |= (entry & ((1 << patch_width) - 1)) << width
    return [base + value for value in run], at


def _delta(content: bytes, at: int, width: int, length: int, *, signed: bool) -> tuple[list[int], int]:
    base, at = _varint(content, at, signed=signed)
    step, at = _varint(content, at, signed=True)
    if not width:
        return [base + step * place for place in range(length)], at
    steps, at = _unpack(content, at, width, max(0, length - 2))
    run = [base, base + step][:length]
    for found in steps:
        run.append(run[-1] + (found if step >= 0 else -found))
    return run, at


def _unpack(content: bytes, at: int, width: int, count: int) -> tuple[list[int], int]:
    """`count` integers of `width` bits each, the highest bit first."""
    size = (width * count + 7) // 8
    whole = int.from_bytes(_take(content, at, size), "big") >> (size * 8 - width * count)
    mask = (1 << width) - 1
    return [whole >> (width * (count - 1 - place)) & mask for place in range(count)], at + size


def _varint(content: bytes, at: int, *, signed: bool) -> tuple[int, int]:
    found, at = read_varint(content, at)
    return (_unzigzag(found) if signed else found), at


def _unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _take(content: bytes, at: int, size: int) -> bytes:
    found = content[at : at + size]
    if len(found) < size:
        raise pa.ArrowInvalid("a stream that is cut")
    return found
