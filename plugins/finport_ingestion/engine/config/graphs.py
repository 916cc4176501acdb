"""Orders of things that come after each other: circles in them, and the longest way through them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from graphlib import TopologicalSorter


def circles(after: Mapping[str, Collection[str]]) -> list[tuple[str, ...]]:
    """A shortest circle through each knot of names that wait for each other, `("a", "b", "a")`, in a stable order.

    Names that are no key of `after` come first anyway and close no circle.
    """
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for name in sorted(after):
        circle = None if name in seen else _way_back(name, after)
        if circle is not None:
            found.append(circle)
            seen.update(circle)
    return found


def _way_back(start: str, after: Mapping[str, Collection[str]]) -> tuple[str, ...] | None:
    """The shortest way from `start` to itself."""
    came_from: dict[str, str] = {}
    waiting = [start]
    for name in waiting:
        for following in sorted(after.get(name, ())):
            if following == start:
                return _trace(start, name, came_from)
            if following not in came_from:
                came_from[following] = name
                waiting.append(following)
    return None


def _trace(start: str, last: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    way = [start, last] if last != start else [start]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    if len(way) == 1:
        way.append(start)
    return tuple(reversed(way))


def longest_way(after: Mapping[str, Collection[str]], duration: Mapping[str, timedelta]) -> tuple[str, ...]:
    """The names of the chain that takes longest; `after` has no circle and names only its own keys."""
    nothing: tuple[timedelta, tuple[str, ...]] = (timedelta(), ())
    ending: dict[str, tuple[timedelta, tuple[str, ...]]] = {}
    for name in TopologicalSorter(after).static_order():
        time, way = max((ending[earlier] for earlier in sorted(after[name])), key=_time, default=nothing)
        ending[name] = time + duration[name], (*way, name)
    return max((ending[name] for name in after), key=_time, default=nothing)[1]


def _time(way: tuple[timedelta, tuple[str, ...]]) -> timedelta:
    return way[0]
