"""A run that `airflow backfill` makes takes the window it stands for, and says so when it stands for none."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.factory.params import flags_of, window_of

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def context_of(run_type: str, start: datetime | None, end: datetime | None, **params: str) -> Any:
    run = SimpleNamespace(run_type=run_type, run_id="run-1", data_interval_start=start, data_interval_end=end)
    return {"dag_run": run, "params": params}


def test_a_scheduled_run_has_no_window() -> None:
    window = window_of(context_of("scheduled", JANUARY, FEBRUARY))
    assert window is None
    assert not flags_of({}, window).backfills


def test_a_backfill_takes_the_interval_of_its_run() -> None:
    flags = flags_of({}, window_of(context_of("backfill", JANUARY, FEBRUARY)))
    assert (flags.backfill_from, flags.backfill_until) == ("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00")


def test_a_stated_window_comes_first() -> None:
    stated = {"backfill_from": "2025-01-01", "backfill_until": "2025-02-01"}
    flags = flags_of(stated, window_of(context_of("backfill", JANUARY, JANUARY, **stated)))
    assert (flags.backfill_from, flags.backfill_until) == ("2025-01-01", "2025-02-01")


@pytest.mark.parametrize("end", [None, JANUARY])
def test_a_run_without_an_interval_says_what_to_state(end: datetime | None) -> None:
    with pytest.raises(ConfigError, match="stands for no interval") as raised:
        window_of(context_of("backfill", JANUARY, end))
    assert "--dag-run-conf" in str(raised.value)
