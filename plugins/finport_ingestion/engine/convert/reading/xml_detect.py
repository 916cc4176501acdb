"""Which element of a document is the record, where nobody says: the one that repeats most below one parent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_events import Element, XmlEvents, forget, local
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import XmlText, open_text

_HEAD_BYTES = 512 << 10
_CHUNK_BYTES = 64 << 10
Path = tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What was seen of the elements at each path."""

    most: dict[Path, int] = field(default_factory=dict)  # below one parent
    structured: set[Path] = field(default_factory=set)  # with children or attributes
    children: dict[Path, set[str]] = field(default_factory=dict)


def detect(raw: RawFile) -> RecordPath | None:
    """The path of the records, from the first half megabyte; None where the root is empty.

    Raises:
        FormatError: It is no well-formed XML.
    """
    with raw.open() as stream:
        text = open_text(stream, raw=raw, size=_CHUNK_BYTES)
        if text is None:
            return None
        seen = _look(XmlEvents(XmlText(_head(text.chunks), text.encoding), raw=raw))
    found = _most_repeated(seen) or _single(seen)
    return RecordPath(found, absolute=True) if found else None


class _Enough(Exception):
    """Ends the look at the head of a file, which is no whole document."""


def _head(chunks: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        if size >= _HEAD_BYTES:
            raise _Enough


def _look(events: XmlEvents) -> _Seen:
    seen = _Seen()
    names: list[str] = []
    counts: list[Counter[str]] = [Counter()]
    try:
        for kind, element in events:
            if kind == "start":
                _started(element, names, counts, seen)
            else:
                _ended(names, counts, seen)
                forget(element)
    except _Enough:
        while names:
            _ended(names, counts, seen)
    return seen


def _started(element: Element, names: list[str], counts: list[Counter[str]], seen: _Seen) -> None:
    name = local(element)
    counts[-1][name] += 1
    parent = tuple(names)
    seen.children.setdefault(parent, set()).add(name)
    if parent:
        seen.structured.add(parent)
    names.append(name)
    counts.append(Counter())
    if element.attrib:
        seen.structured.add(tuple(names))


def _ended(names: list[str], counts: list[Counter[str]], seen: _Seen) -> None:
    path = tuple(names)
    for name, count in counts.pop().items():
        child = (*path, name)
        seen.most[child] = max(seen.most.get(child, 0), count)
    names.pop()


def _most_repeated(seen: _Seen) -> Path | None:
    repeated = {path: count for path, count in seen.most.items() if count > 1}
    structured = {path: count for path, count in repeated.items() if path in seen.structured}
    among = structured or repeated
    return max(among, key=lambda path: (among[path], -len(path)), default=None)


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
