"""Circles and longest ways."""

from __future__ import annotations

import itertools
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter

from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.graphs import circles, longest_way

_names = st.sampled_from("abcdef")
_graphs = st.dictionaries(_names, st.sets(_names))


@given(_graphs)
@settings(max_examples=40)
def test_a_circle_is_found_exactly_where_there_is_one(after: dict[str, set[str]]) -> None:
    found = circles(after)
    try:
        tuple(TopologicalSorter(after).static_order())
    except CycleError:
        assert found
    else:
        assert not found


@given(_graphs)
@settings(max_examples=40)
def test_every_circle_is_a_way_from_a_name_to_itself(after: dict[str, set[str]]) -> None:
    for circle in circles(after):
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        assert all(later in after[earlier] for earlier, later in itertools.pairwise(circle))


def test_the_longest_way_is_by_time_and_not_by_steps() -> None:
    after = {"a": (), "b": ("a",), "c": ("b",), "d": (), "e": ("c", "d")}
    minutes = {"a": 1, "b": 1, "c": 1, "d": 10, "e": 1}
    duration = {name: timedelta(minutes=amount) for name, amount in minutes.items()}
    assert longest_way(after, duration) == ("d", "e")
    assert longest_way({}, {}) == ()
