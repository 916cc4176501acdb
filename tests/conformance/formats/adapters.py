"""How a test writes samples of each format: the modules of `samples/`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.convert.registry import FORMATS
from tests.conformance.formats import samples

Row = dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a format writes for the suite."""

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


def bad_line(write: Callable[[Sequence[Row]], bytes], line: bytes, *, after: int) -> Callable[[Sequence[Row]], bytes]:
    def written(rows: Sequence[Row]) -> bytes:
        lines = write(rows).splitlines(keepends=True)
        return b"".join([*lines[:after], line, *lines[after:]])

    return written


def sample_of(name: str) -> Sample:
    """The samples of a format; fails where nobody wrote how to make them."""
    found = _all_samples()
    assert name in found, f"format '{name}' has no samples: add a module to tests/conformance/formats/samples"
    assert name in FORMATS
    return found[name]


def _all_samples() -> dict[str, Sample]:
    modules = (importlib.import_module(f"{samples.__name__}.{m.name}") for m in pkgutil.iter_modules(samples.__path__))
    return {name: sample for module in modules for name, sample in module.SAMPLES.items()}
