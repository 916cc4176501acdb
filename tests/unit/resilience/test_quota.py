"""The requests of a day: counted over processes, and new at local midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.config.models.settings import QuotaSettings
from finport_ingestion.engine.errors import QuotaUsed, StateUnavailable
from finport_ingestion.engine.resilience.forecast import Forecast
from finport_ingestion.engine.resilience.quota import DayQuota, local_day, until_midnight
from finport_ingestion.engine.state.apis import Apis
from finport_ingestion.engine.state.state import State
from tests.conformance.sources.access import ManualClock

LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def apis(tmp_path: Path) -> Apis:
    state = State(f"sqlite:///{tmp_path / 'state.db'}", SystemClock())
    state.upgrade()
    return state.apis


def quota(apis: object, clock: ManualClock, requests: int = 5, processes: int = 2) -> DayQuota:
    settings = QuotaSettings.model_validate({"requests": requests, "timeZone": "Europe/London"})
    return DayQuota("vendor", settings, apis, processes=processes, clock=clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 1, 15, 18, tzinfo=UTC), 6),
        (datetime(2026, 7, 15, 18, tzinfo=UTC), 5),  # 19:00 in London
        (datetime(2026, 3, 29, 0, tzinfo=UTC), 23),  # clocks go forward: the day has 23 hours
        (datetime(2026, 10, 24, 23, tzinfo=UTC), 25),  # and back: it has 25
    ],
)
def test_the_day_ends_at_local_midnight_also_when_clocks_change(now: datetime, hours: int) -> None:
    assert until_midnight(now, LONDON) == timedelta(hours=hours)


def test_a_midnight_that_does_not_exist_ends_the_day_all_the_same() -> None:
    # In Cairo clocks go forward at midnight: the day after 23 April 2026 begins at 01:00.
    now = datetime(2026, 4, 23, 21, tzinfo=UTC)
    assert local_day(now, ZoneInfo("Africa/Cairo")) == "2026-04-23"
    assert until_midnight(now, ZoneInfo("Africa/Cairo")) == timedelta(hours=1)


def test_processes_share_the_day_and_the_last_request_is_refused_with_the_wait(apis: Apis) -> None:
    clock = ManualClock(datetime(2026, 1, 15, 18, tzinfo=UTC))
    one, other = quota(apis, clock), quota(apis, clock)
    for taker in (one, other, one, other, one):
        taker.take()
    with pytest.raises(QuotaUsed, match=r"5 requests of the day are used.*6 h 0 min") as refused:
        other.take()
    assert refused.value.retry_after_seconds == 6 * 3600


def test_the_wait_is_never_longer_than_a_day(apis: Apis) -> None:
    clock = ManualClock(datetime(2026, 10, 24, 23, 0, tzinfo=UTC))
    taker = quota(apis, clock, requests=1)
    taker.take()
    with pytest.raises(QuotaUsed) as refused:
        taker.take()
    assert refused.value.retry_after_seconds == 24 * 3600


def test_a_new_day_begins_anew_and_a_restart_does_not(apis: Apis) -> None:
    clock = ManualClock(datetime(2026, 1, 15, 18, tzinfo=UTC))
    first = quota(apis, clock, requests=2)
    first.take()
    first.take()
    with pytest.raises(QuotaUsed):
        quota(apis, clock, requests=2).take()
    clock.sleep(7 * 3600)
    first.take()


def test_what_is_held_is_given_back(apis: Apis) -> None:
    clock = ManualClock(datetime(2026, 1, 15, 18, tzinfo=UTC))
    taker = quota(apis, clock, requests=1000)
    taker.take()
    assert apis.quota_used("vendor", "2026-01-15") == 10
    taker.give_back()
    assert apis.quota_used("vendor", "2026-01-15") == 1


class _Down:
    def take_quota(self, key: str, day: str, *, want: int, most: int) -> int:
        raise StateUnavailable("down")

    def return_quota(self, key: str, day: str, *, count: int) -> None:
        raise StateUnavailable("down")


def test_with_the_state_down_a_process_takes_its_share_of_the_day() -> None:
    taker = quota(_Down(), ManualClock(datetime(2026, 1, 15, 18, tzinfo=UTC)), requests=6, processes=2)
    for _ in range(3):
        taker.take()
    with pytest.raises(QuotaUsed):
        taker.take()


@pytest.mark.parametrize(
    ("forecast", "suffices", "told"),
    [
        (Forecast(quota=100, used=40, needed=60), True, "60 of 100 requests are left today; a run needs about 60"),
        (Forecast(quota=100, used=41, needed=60), False, "that does not suffice"),
        (Forecast(quota=100, used=0, needed=None), None, "no earlier run tells"),
    ],
)
def test_a_forecast_says_whether_the_day_suffices(forecast: Forecast, suffices: bool | None, told: str) -> None:
    assert forecast.suffices is suffices
    assert told in str(forecast)
