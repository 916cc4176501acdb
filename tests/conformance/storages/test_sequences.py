"""Any sequence of publications, retractions and expiries shows the rows that a simple model shows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.errors import PermanentError, SourceItemMissing, SourceMovedOn
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.store.interface import Storage
from tests.clocks import LaterClock
from tests.conformance.storages.adapters import StorageMaker
from tests.conformance.storages.delivery import Deliveries, contents, price
from tests.conformance.storages.model import Model

NEXT_MONTH = LaterClock(timedelta(days=31))
NUMBERS = itertools.count()
SOURCES = st.sampled_from(["exchange", "vendor"])
RUNS = st.integers(1, 5).map("run-{}".format)
ROWS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 3)), max_size=3)


@dataclass(frozen=True, slots=True)
class Publish:
    """Items by id; `follows` is whether an increment starts where the source stands."""

    source: str
    run: str
    replaces: Replaces
    items: dict[str, list[tuple[str, int]]]
    again: bool
    follows: bool


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back a run, which may have done nothing."""

    source: str
    run: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Give up everything that can be given up."""


PUBLISH = st.builds(
    Publish,
    source=SOURCES,
    run=RUNS,
    replaces=st.sampled_from(list(Replaces)),
    items=st.dictionaries(st.sampled_from(["a", "b"]), ROWS, min_size=1, max_size=2),
    again=st.booleans(),
    follows=st.sampled_from([True, True, True, False]),
)
RETRACT = st.builds(Retract, source=SOURCES, run=RUNS)
WITHOUT_EXPIRY = st.lists(st.one_of(PUBLISH, PUBLISH, RETRACT), min_size=2, max_size=9)
WITH_EXPIRY = st.lists(st.one_of(PUBLISH, PUBLISH, PUBLISH, RETRACT, st.builds(Expire)), min_size=3, max_size=9)
LAYOUTS: dict[str, list[dict[str, Any]]] = {
    "parquet": [{}, {"partitionBy": ["symbol"]}],
    "sql": [{"mode": "upsert"}, {}, {"mode": "upsert", "version": "day"}],
}
SOME = settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each step goes to the disk or a server: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("layout", [0, 1, 2])
@SOME
@given(actions=WITHOUT_EXPIRY)
def test_rows_are_those_of_the_model(
    maker: StorageMaker, deliveries: Deliveries, layout: int, actions: list[Publish | Retract]
) -> None:
    _check(maker, deliveries, layout, actions)


@pytest.mark.parametrize("layout", [0, 1, 2])
@SOME
@given(actions=WITH_EXPIRY)
def test_expiry_changes_nothing_that_is_visible(
    maker: StorageMaker, deliveries: Deliveries, layout: int, actions: list[Publish | Retract | Expire]
) -> None:
    _check(maker, deliveries, layout, actions)


def _check(maker: StorageMaker, deliveries: Deliveries, layout: int, actions: list[Any]) -> None:
    layouts = LAYOUTS.get(maker.name, [{}])
    if layout >= len(layouts):
        pytest.skip("the storage has no such layout")
    options = dict(layouts[layout])
    version = options.pop("version", None)
    upsert = options.get("mode") == "upsert"
    dataset = f"prices-{next(NUMBERS)}"
    storage = maker.open(dataset=dataset, clock=NEXT_MONTH, key=("symbol",), version=version, **options)
    model = Model(key=0 if upsert else None, version=1 if version else None)
    marks = itertools.count(10)
    expired = False
    for action in actions:
        if isinstance(action, Publish):
            _publish(storage, model, action, Deliveries(places=deliveries.places, dataset=dataset), str(next(marks)))
        elif isinstance(action, Retract):
            _retract(storage, model, action, expired=expired)
        else:
            storage.expire(NEXT_MONTH.now())
            expired = True
        assert _rows(storage) == model.rows(), action
        for source in ("exchange", "vendor"):
            mark = storage.watermark(source)
            assert (mark.value if mark else None) == model.watermark(source), action
    if not expired:
        assert [(each.source, each.run_id) for each in storage.publications()] == [
            (each.source, each.run) for each in model.commits
        ]


def _publish(storage: Storage, model: Model, action: Publish, deliveries: Deliveries, mark: str) -> None:
    increment = action.replaces is Replaces.NOTHING
    stands = model.watermark(action.source)
    request = deliveries.request(
        {item: [price(symbol, day, "1.0000") for symbol, day in rows] for item, rows in action.items.items()},
        source=action.source,
        run=action.run,
        replaces=action.replaces,
        watermark=mark if increment else None,
        based_on=stands if action.follows else "0",
        again=action.again,
    )
    rows = {item: [(symbol, day) for symbol, day in brought] for item, brought in action.items.items()}
    expected = model.publish(request, rows)
    if expected == "moved on":
        with pytest.raises(SourceMovedOn):
            storage.publish(request)
    else:
        assert storage.publish(request).already_there is (expected == "there")


def _retract(storage: Storage, model: Model, action: Retract, *, expired: bool) -> None:
    before = list(model.commits)
    expected = model.retract(action.source, action.run)
    if expected is None:
        # After an expiry the later increment may be forgotten together with what it builds on.
        with pytest.raises(PermanentError):
            storage.retract(action.source, action.run)
        return
    try:
        assert storage.retract(action.source, action.run) is expected or expired
    except PermanentError:
        assert expired
        model.commits = before
        return
    if expired and _rows(storage) != model.rows():
        # The run's publication had been replaced and was forgotten.
        model.commits = before


def _rows(storage: Storage) -> list[tuple[Any, ...]]:
    try:
        return [(symbol, day.day) for symbol, day in contents(storage, ["symbol", "day"])]
    except SourceItemMissing:
        return []
