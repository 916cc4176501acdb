"""Which element of a document is the record, where nobody says: the one that repeats most below one parent.

Where that one is but a part of something that repeats too and says as much beside it (the legs of trades), the whole is
the record. What stands beside the records is in no table, so it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_beside import Inside, Path, Values, beside
from finport_ingestion.engine.convert.reading.xml_events import Element, XmlEvents, forget, local
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import XmlText, open_text

_HEAD_BYTES = 512 << 10
_FARTHEST_BYTES = 64 << 20
_MANY = 50_000  # elements, of which none repeats
_CHUNK_BYTES = 64 << 10
_OWN_SHARE = 0.2  # of the values of an element, that make more of it than a frame around what it repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """Where the records stand, and what is to be said of it."""

    path: RecordPath | None  # None: the root is empty
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What was seen of the elements at each path."""

    most: dict[Path, int] = field(default_factory=dict)  # below one parent
    structured: set[Path] = field(default_factory=set)  # with children or attributes
    children: dict[Path, set[str]] = field(default_factory=dict)
    values: Values = field(default_factory=Values)
    elements: int = 0
    repeats: bool = False


def detect(raw: RawFile) -> Detected:
    """The path of the records, from the first half megabyte.

    Raises:
        FormatError: It is no well-formed XML.
    """
    with raw.open() as stream:
        text = open_text(stream, raw=raw, size=_CHUNK_BYTES)
        if text is None:
            return Detected(path=None)
        seen = _Seen()
        _look(XmlEvents(XmlText(_head(text.chunks, seen), text.encoding), raw=raw), seen)
    repeated = _repeated(seen)
    inside = seen.values.inside()
    found = _whole(_most(repeated, inside), repeated, inside) or _single(seen)
    if not found:
        return Detected(path=None, notes=("the root element is empty",))
    path = RecordPath(found, absolute=True)
    left = beside(found, seen.values, repeated)
    said = f"records are the elements {path}"
    if left.warning:
        return Detected(path=path, notes=(said,), warnings=(f"{raw.uri}: {said}; {left.warning}",))
    return Detected(path=path, notes=(said, *((left.note,) if left.note else ())))


class _Enough(Exception):
    """Ends the look at the head of a file, which is no whole document."""


def _head(chunks: Iterator[bytes], seen: _Seen) -> Iterator[bytes]:
    """The first half megabyte; more, where comments or a long text of the header hide all that repeats."""
    size = 0
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        if size >= _FARTHEST_BYTES or (size >= _HEAD_BYTES and (seen.repeats or seen.elements > _MANY)):
            raise _Enough


def _look(events: XmlEvents, seen: _Seen) -> None:
    names: list[str] = []
    counts: list[Counter[str]] = [Counter()]
    try:
        for kind, element in events:
            if kind == "start":
                _started(element, names, counts, seen)
            else:
                seen.values.add_text(tuple(names), element)
                _ended(names, counts, seen)
                forget(element)
    except _Enough:
        while names:
            _ended(names, counts, seen)


def _started(element: Element, names: list[str], counts: list[Counter[str]], seen: _Seen) -> None:
    name = local(element)
    counts[-1][name] += 1
    seen.elements += 1
    seen.repeats = seen.repeats or counts[-1][name] > 1
    parent = tuple(names)
    seen.children.setdefault(parent, set()).add(name)
    if parent:
        seen.structured.add(parent)
    names.append(name)
    counts.append(Counter())
    if element.attrib:
        seen.structured.add(tuple(names))
        seen.values.add_attributes(tuple(names), element)


def _ended(names: list[str], counts: list[Counter[str]], seen: _Seen) -> None:
    path = tuple(names)
    for name, count in counts.pop().items():
        child = (*path, name)
        seen.most[child] = max(seen.most.get(child, 0), count)
    names.pop()


def _repeated(seen: _Seen) -> dict[Path, int]:
    """The elements that stand several times below one parent: those with children or attributes, if there are any."""
    repeated = {path: count for path, count in seen.most.items() if count > 1}
    return {path: count for path, count in repeated.items() if path in seen.structured} or repeated


def _most(repeated: dict[Path, int], inside: Inside) -> Path | None:
    """The element that repeats most, in what has the most values of all that repeats and is in nothing that does."""
    outermost = [path for path in repeated if not any(path[:length] in repeated for length in range(1, len(path)))]
    best = max(outermost, key=lambda path: (inside.counts[path], repeated[path], -len(path)), default=None)
    if best is None:
        return None
    among = [path for path in repeated if path[: len(best)] == best]
    return max(among, key=lambda path: (repeated[path], -len(path)))


def _whole(part: Path | None, repeated: dict[Path, int], inside: Inside) -> Path | None:
    """What repeats and holds `part`, if it says as much beside it as `part` does; else `part` itself."""
    if part is None:
        return None
    for length in range(len(part) - 1, 0, -1):
        around = part[:length]
        if around not in repeated:
            continue
        kinds, count = inside.kinds[around] - inside.kinds[part], inside.counts[around] - inside.counts[part]
        if kinds >= inside.kinds[part] or count >= _OWN_SHARE * inside.counts[around]:
            part = around
    return part


def _single(seen: _Seen) -> Path | None:
    """Nothing repeats: the first element from the root down that has more than one child, or a child without any."""
    roots = seen.children.get((), set())
    path: Path = tuple(roots)
    if not path or path not in seen.structured:
        return None
    while True:
        below = seen.children.get(path, set())
        [only] = below if len(below) == 1 else [None]
        if only is None or (*path, only) not in seen.structured:
            return path
        path = (*path, only)
