"""Whatever is added between runs, in whatever order: ties, repetitions, late records, records without a value."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.watermarks.system import KINDS, CursorKind, GrowingSystem, Ingested, Row
from tests.conformance.watermarks.systems import GrowingApi, GrowingFile, GrowingTable

Make = Callable[[str], GrowingSystem]


@pytest.fixture(params=["file", "table", "api"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an empty system of one protocol, under a name of its own."""

    def made(name: str) -> GrowingSystem:
        if request.param == "file":
            return GrowingFile(tmp_path / f"{name}-drop")
        if request.param == "table":
            database, server = request.getfixturevalue("postgresql_database"), request.getfixturevalue("postgresql")
            return GrowingTable(database, server, monkeypatch)
        return GrowingApi(request.getfixturevalue("web_server"), monkeypatch)

    return made


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> CursorKind:
    """One type of cursor."""
    found: CursorKind = request.param
    return found


def test_rows_at_the_mark_are_taken_once_however_often_they_come(make: Make, kind: CursorKind, tmp_path: Path) -> None:
    ingested = Ingested(tmp_path / "project", make("ties"), kind)
    low, high = kind.values[0], kind.values[-1]
    ingested.add([(low, "a"), (high, "b")])
    ingested.run()
    ingested.run()
    ingested.add([(high, "c"), (high, "b")])
    ingested.run()
    ingested.add([(high, "b"), (high, "b"), (high, "d")])
    ingested.run()
    ingested.run()


def test_a_late_row_is_taken_within_the_lookback_only(make: Make, kind: CursorKind, tmp_path: Path) -> None:
    ingested = Ingested(tmp_path / "project", make("late"), kind, lookback=True)
    ingested.add([(kind.values[-1], "last")])
    ingested.run()
    for number, value in enumerate(kind.values):
        ingested.add([(value, f"late {number}"), (value, "again"), (value, "again")])
        ingested.run()


def test_rows_without_a_value_are_taken_once(make: Make, kind: CursorKind, tmp_path: Path) -> None:
    system = make("nulls")
    if not system.takes_nulls:
        pytest.skip("a table whose cursor is null in a row is refused")
    ingested = Ingested(tmp_path / "project", system, kind)
    ingested.add([(None, "a"), (kind.values[1], "b")])
    ingested.run()
    ingested.add([(None, "a"), (None, "c")])
    ingested.run()
    ingested.add([(kind.values[-1], "d"), (None, "a")])
    ingested.run()
    ingested.run()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("lookback", [False, True], ids=["at the mark", "lookback"])
def test_any_story_ends_with_each_row_once(
    make: Make, kind: CursorKind, tmp_path: Path, seed: int, lookback: bool
) -> None:
    chance = random.Random(f"{kind.name} {seed}")
    system = make("story")
    ingested = Ingested(tmp_path / "project", system, kind, lookback=lookback)
    ingested.add([(chance.choice(kind.values), "first")])
    for _ in range(4):
        ingested.run()
        ingested.add([_row(chance, kind, nulls=system.takes_nulls) for _ in range(chance.randrange(4))])
    ingested.run()


def _row(chance: random.Random, kind: CursorKind, *, nulls: bool) -> Row:
    missing = nulls and chance.random() < 0.15
    return (None if missing else chance.choice(kind.values), chance.choice("ab"))
