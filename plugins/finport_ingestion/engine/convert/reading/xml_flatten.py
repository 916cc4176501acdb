"""A record's element as its leaves: the exact way, by the parsed tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.xml_events import Element, too_long
from finport_ingestion.engine.convert.reading.xml_nodes import node_of, spelled
from finport_ingestion.engine.convert.reading.xml_paths import TEXT, WHOLE, Key, local_of

_BLANKS = " \t\r\n"
Leaf = tuple[Key, str | None]
Values = dict[Key, tuple[str | None, bool]]


def values_of(record: Element, *, raw: RawFile) -> Values:
    """The text of each leaf of a record, and whether it is JSON: a leaf that is there several times is a list.

    Raises:
        FormatError: A text is longer than the limit.
    """
    found: dict[Key, list[str | None]] = {}
    longest = raw.limits.field_bytes
    for key, text in _leaves(record, ()):
        if text is not None and len(text) > longest:
            raise too_long(raw, line=record.sourceline, what=f"'{local_of(key[-1])}' of the record")
        found.setdefault(key, []).append(text)
    values: Values = {key: listed(texts) for key, texts in found.items()}
    if any(nested for _, nested in values.values()):
        for key, group in _unaligned(record, ()):
            values[key] = ("[" + ",".join(spelled(node_of(element, raw=raw)) for element in group) + "]", True)
    return values


def listed(texts: Sequence[str | None]) -> tuple[str | None, bool]:
    """The one text, or all as a JSON list."""
    if len(texts) == 1:
        return texts[0], False
    return "[" + ",".join("null" if text is None else encode_basestring(text) for text in texts) + "]", True


def _leaves(element: Element, path: Key) -> Iterator[Leaf]:
    for name, text in element.attrib.items():
        yield (*path, f"@{name}"), text
    if len(element) == 0:
        text = element.text if element.text is not None and element.text.strip(_BLANKS) else None
        if path or text is not None:
            yield path or (TEXT,), text
        return
    mixed = (element.text or "") + "".join(child.tail or "" for child in element)
    if mixed.strip(_BLANKS):
        yield (*path, TEXT), mixed
    for child in element:
        if isinstance(child.tag, str):
            yield from _leaves(child, (*path, child.tag))


def _unaligned(element: Element, path: Key) -> Iterator[tuple[Key, list[Element]]]:
    """Repeated elements whose parts cannot be told apart from the lists of their leaves: the outermost of each."""
    groups: dict[str, list[Element]] = {}
    for child in element:
        if isinstance(child.tag, str):
            groups.setdefault(child.tag, []).append(child)
    for tag, group in groups.items():
        below = (*path, tag)
        if len(group) == 1:
            yield from _unaligned(group[0], below)
        elif not _aligned(group):
            yield (*below, WHOLE), group


def _aligned(group: Sequence[Element]) -> bool:
    """Whether each element has the same leaves, each once: then position n of every list is element n."""
    first: list[Key] | None = None
    for element in group:
        keys = sorted(key for key, _ in _leaves(element, ("",)))
        if len(set(keys)) < len(keys) or (first is not None and keys != first):
            return False
        first = keys
    return True
