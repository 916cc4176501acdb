"""How a test gets samples of each format: the modules of `samples/`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.formats import samples

Row = dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a format that can hold any table writes for the suite."""

    write: Callable[[Sequence[Row]], bytes]
    """A file of these records, all with the same fields."""
    suffix: str
    with_a_bad_record: Callable[[Sequence[Row]], bytes] | None = None
    """The same, with one unreadable record behind the first; None where a file is whole or refused."""
    of_no_records: bytes | None = None
    """A valid file without records; None where the format has none."""
    options: dict[str, Any] = field(default_factory=dict)
    cut_is_refused: bool = False
    """Whether a file cut anywhere is recognised as such; otherwise only its last record may be lost, to quarantine."""
    empty_text_is_null: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A small file of a format whose content is its own: a statement, a payment, a layout."""

    content: bytes = field(repr=False)
    suffix: str
    rows: Mapping[str, int]
    """Records of each table, of those without any too."""
    text: str | None = None
    """The same without a stated encoding, where the format is text: it has to read in any."""
    many: bytes | None = field(default=None, repr=False)
    """A file of hundreds of units, of a format that is sampled in places; the others are sampled as a whole."""
    with_a_bad_unit: bytes | None = None
    """The same with one more unit, not at the end, that cannot be taken; None where a file is whole or refused."""
    of_no_records: bytes | None = None
    """A valid file without records of the main table; None where the format has none."""
    empty_is_valid: bool = True
    """Whether an empty file is one of no records, where the policy takes it."""
    beginnings: tuple[bytes, ...] = ()
    """Where `content` may be cut without a trace, since what remains is a valid file."""
    cut_is_refused: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def bad_line(write: Callable[[Sequence[Row]], bytes], line: bytes, *, after: int) -> Callable[[Sequence[Row]], bytes]:
    def written(rows: Sequence[Row]) -> bytes:
        lines = write(rows).splitlines(keepends=True)
        return b"".join([*lines[:after], line, *lines[after:]])

    return written


def beginnings(units: Sequence[bytes]) -> tuple[bytes, ...]:
    """The first units of a file, however many but none and all."""
    return tuple(b"".join(units[:count]) for count in range(1, len(units)))


def sample_of(name: str) -> Sample:
    """How a format writes tables; fails where it is none that does."""
    [found] = all_samples()[name]
    assert isinstance(found, Sample)
    return found


def message_of(name: str) -> Message:
    """The file of a format with content of its own; fails where it is none."""
    [found] = all_samples()[name]
    assert isinstance(found, Message)
    return found


def formats_with(kind: type[Sample | Message]) -> list[str]:
    """The formats that have samples of this kind."""
    return sorted(name for name, found in all_samples().items() if any(isinstance(one, kind) for one in found))


@functools.cache
def all_samples() -> Mapping[str, Sequence[Sample | Message]]:
    """What the modules of `samples/` give, by format."""
    found: dict[str, list[Sample | Message]] = {}
    for module in pkgutil.iter_modules(samples.__path__):
        given = importlib.import_module(f"{samples.__name__}.{module.name}").SAMPLES
        for name, sample in given.items():
            found.setdefault(name, []).append(sample)
    return found
