"""Where the records of a document stand that nobody stated: a list; an object keyed by data; a list inside an envelope.

An object is a map of records when its values are objects that share most of their members, however deep the maps are
stacked. What is found is always said, with the path that states it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.convert.reading.json_path import Each, Items, Member, Step, Steps
from finport_ingestion.engine.convert.reading.json_texts import Ambiguous, Constant, Number

_SHARED = 0.6  # of the members of like objects
_MOST = 0.8  # of all values, where the records are reached through maps
_HALF = 0.5  # of all values, where they are reached by name
_NEARLY_ALL = 0.9
_LOOKED_AT = 2_000  # objects of a level
_DEEPEST = 12
_KEY = "_key"
_DATA = "data"
_OF_JSON_API = frozenset({_DATA, "included"})
"""By its standard, what stands in `included` are the objects that the data refer to."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A way to records; empty steps: the document is one record."""

    steps: Steps
    lists: tuple[str, ...] = ()  # members, of the document, that could be the records as well


def guess_records(document: dict[str, Any]) -> Guess:
    """Where the records of an object stand; wildcards are called `_key`, or `_key_1` and so on."""
    steps = _guess(document, 0)
    lists = [name for name, found in document.items() if isinstance(found, list) and _could_be_records(found)]
    if not steps:
        return Guess((), tuple(lists))
    named = isinstance(steps[0], Member)
    others = tuple(name for name in lists if named and document[name] and Member(name) != steps[0])
    return Guess(_with_names(steps, reached([document], steps)), others)


def _guess(document: dict[str, Any], depth: int) -> Steps:
    if isinstance(document, Ambiguous) or depth > _DEEPEST:
        return ()
    lists = [name for name, found in document.items() if _is_list_of_objects(found)]
    if set(lists) == _OF_JSON_API:
        return (Member(_DATA), Items())
    if len(document) > 1:
        steps = _through_map([document], depth)
        if steps:
            return steps
    if lists:
        return _of_lists(document, lists)
    steps = _through_member(document, depth)
    if steps or len(document) != 1:
        return steps
    (only,) = document.values()
    # An object of one object: one record, with its key.
    return (Each(""),) if isinstance(only, dict) and only else ()


def _of_lists(document: dict[str, Any], lists: Sequence[str]) -> Steps:
    """The one list of objects, or of several the one that holds most of the values."""
    if len(lists) == 1:
        return (Member(lists[0]), Items())
    total = _leaves(document)
    return next(((Member(name), Items()) for name in lists if _leaves(document[name]) >= _MOST * total), ())


def _through_member(document: dict[str, Any], depth: int) -> Steps:
    """By the one member that holds records and most of the values."""
    total = max(_leaves(document), 1)
    ways = []
    for name, found in document.items():
        below = _guess(found, depth + 1) if isinstance(found, dict) else ()
        if not below or (below == (Each(""),) and len(found) == 1):
            continue
        mapped = any(isinstance(step, Each) for step in below)
        if sum(map(_leaves, reached([found], below))) >= (_MOST if mapped else _HALF) * total:
            ways.append((Member(name), *below))
    return ways[0] if len(ways) == 1 else ()


def _through_map(nodes: Sequence[dict[str, Any]], depth: int) -> Steps:
    """From objects that are taken as maps to their records; empty where their values are not alike."""
    children = [found for node in nodes for found in node.values()]
    if not children or depth > _DEEPEST or any(isinstance(node, Ambiguous) for node in nodes):
        return ()
    if all(isinstance(child, list) for child in children):
        items = [item for child in children for item in child]
        fits = bool(items) and all(isinstance(item, dict) for item in items) and _alike(items)
        # One long list among others says nothing of them: the first of each must be alike as well.
        fits = fits and _alike([child[0] for child in children if child])
        return (Each(""), Items()) if fits else ()
    if not all(isinstance(child, dict) for child in children):
        return ()
    if len(children) > 1 and _alike(children):
        return (Each(""), *_into_member(children, depth))
    below = _through_map(children, depth + 1)
    return (Each(""), *below) if below else ()


def _into_member(records: Sequence[dict[str, Any]], depth: int) -> Steps:
    """Further down, where the records are but the labels of a map that holds nearly everything; else empty."""
    names = dict.fromkeys(name for record in records for name in record)
    total = sum(map(_leaves, records))
    for name in names:
        found = [record[name] for record in records if name in record]
        if not all(isinstance(value, dict) for value in found):
            continue
        below = _through_map(found, depth + 1)
        if below and sum(map(_leaves, reached(found, below))) >= _NEARLY_ALL * total:
            return (Member(name), *below)
    return ()


def reached(nodes: Sequence[Any], steps: Sequence[Step]) -> list[Any]:
    """What lies at the end of `steps` from each of `nodes`."""
    for step in steps:
        if isinstance(step, Member):
            nodes = [node[step.name] for node in nodes if isinstance(node, dict) and step.name in node]
        else:
            nodes = [child for node in nodes for child in (node.values() if isinstance(node, dict) else node)]
    return list(nodes)


def _alike(objects: Sequence[dict[str, Any]]) -> bool:
    """Whether the objects share most of their members: those that at least half of them have."""
    looked = objects[:_LOOKED_AT]
    counts: dict[str, int] = {}
    for found in looked:
        for name in found:
            counts[name] = counts.get(name, 0) + 1
    common = {name for name, count in counts.items() if 2 * count >= len(looked) and (count > 1 or len(looked) == 1)}
    members = sum(counts.values())
    return members > 0 and sum(counts[name] for name in common) >= _SHARED * members


def _is_list_of_objects(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(item, dict) for item in found)


def _could_be_records(found: list[Any]) -> bool:
    return not found or isinstance(found[0], dict)


def _leaves(value: Any) -> int:
    """How many values that are neither null nor lists nor objects `value` holds."""
    return sum(1 for _ in _scalars(value))


def _scalars(value: Any) -> Iterator[Any]:
    left = [value]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            left.extend(found.values())
        elif isinstance(found, list):
            left.extend(found)
        elif found is not None:
            yield found


def is_scalar(value: Any) -> bool:
    return isinstance(value, (str, bool, Number, Constant, int, float))


def _with_names(steps: Steps, records: Sequence[Any]) -> Steps:
    """`steps` with names for their keys, which no record has a member of."""
    keys = sum(isinstance(step, Each) for step in steps)
    key = _KEY
    while any(name in record for record in records if isinstance(record, dict) for name in _numbered(key, keys)):
        key = f"_{key}"
    names = iter(_numbered(key, keys))
    return tuple(Each(next(names)) if isinstance(step, Each) else step for step in steps)


def _numbered(key: str, count: int) -> list[str]:
    return [key] if count == 1 else [f"{key}_{number}" for number in range(1, count + 1)]
