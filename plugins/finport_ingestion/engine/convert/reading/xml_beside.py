"""What a document says beside its records: values that stand in no table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.xml_events import Element

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_MOST = 0.5  # of all values: a document that says more beside its records than in them
_SHOWN = 4
Path = tuple[str, ...]  # names from the root down; of an attribute, its name with @ is the last


@dataclass(slots=True)
class Values:
    """How many values were seen at each path."""

    seen: Counter[Path] = field(default_factory=Counter)

    def add_attributes(self, path: Path, element: Element) -> None:
        for name in element.attrib:
            if not name.startswith(_XSI):
                self.seen[(*path, f"@{name[name.rfind('}') + 1 :]}")] += 1

    def add_text(self, path: Path, element: Element) -> None:
        if element.text and not element.text.isspace():
            self.seen[path] += 1

    def inside(self) -> Inside:
        found = Inside()
        for path, count in self.seen.items():
            for length in range(1, len(path) + 1):
                found.counts[path[:length]] += count
                found.kinds[path[:length]] += 1
        return found


@dataclass(frozen=True, slots=True)
class Inside:
    """What there is at or below each path: how many values, and how many different paths with values."""

    counts: Counter[Path] = field(default_factory=Counter)
    kinds: Counter[Path] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is to be said of what is left out; empty where there is nothing."""

    note: str = ""
    warning: str = ""


def beside(record: Path, values: Values, repeated: Collection[Path]) -> Beside:
    """What stands beside the elements at `record`.

    A few values of an envelope are a note. Data are a warning: what each of several elements around the records says,
    other elements that repeat, or are called as the records are, and more values than the records have.
    """
    left = [path for path in values.seen if path[: len(record)] != record]
    if not left:
        return Beside()
    data = [path for path in left if record[-1] in path or _repeats(path, record, repeated)]
    if data:
        return Beside(warning=_told(data))
    told = _told(left)
    many = sum(values.seen[path] for path in left) > _MOST * values.seen.total()
    return Beside(warning=told) if many else Beside(note=told)


def _repeats(path: Path, record: Path, repeated: Collection[Path]) -> bool:
    """Whether a value stands in an element that repeats."""
    return any(path[:length] in repeated for length in range(1, len(path) + 1) if path[:length] != record)


def _told(paths: Sequence[Path]) -> str:
    shown = ", ".join("/" + "/".join(path) for path in paths[:_SHOWN])
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"what stands beside them is in no table: {shown}{more}; state 'records' if other elements are meant"
