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
    waiting = _never_first(after)
    for name in sorted(waiting):
        circle = None if name in seen else _way_back(name, waiting)
        if circle is not None:
            found.append(circle)
            seen.update(circle)
    return found


def _never_first(after: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """What is left when names that wait for nobody are taken out, again and again: circles, and who waits for them."""
    left = {name: {earlier for earlier in names if earlier in after} for name, names in after.items()}
    followers: dict[str, list[str]] = {}
    for name, names in left.items():
        for earlier in names:
            followers.setdefault(earlier, []).append(name)
    free = [name for name, names in left.items() if not names]
    for name in free:
        for follower in followers.get(name, ()):
            left[follower].discard(name)
            if not left[follower]:
                free.append(follower)
    return {name: names for name, names in left.items() if names}


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
    ends: dict[str, timedelta] = {}
    before: dict[str, str | None] = {}
    for name in TopologicalSorter(after).static_order():
        before[name] = max(sorted(after[name]), key=ends.__getitem__, default=None)
        ends[name] = duration[name] + ends.get(before[name] or "", timedelta())
    last = max(after, key=ends.__getitem__, default=None)
    way: list[str] = []
    while last is not None:
        way.append(last)
        last = before[last]
    return tuple(reversed(way))
