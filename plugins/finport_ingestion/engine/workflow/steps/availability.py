"""Whether a source is due: its frequency, what it depends on, and whether it answers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.sources.opening import forecast, open_source
from finport_ingestion.engine.step import StepContext


class AvailabilityStep:
    """`scheduler` / `validate_source_availability`."""

    def run(self, context: StepContext) -> StepResult:
        """Skip a source that is not due; otherwise reach it."""
        if context.flags.replay_of:
            return StepResult(
                notes=(f"the landed bytes of {context.flags.replay_of} are used; the source is not asked",)
            )
        self._check_frequency(context)
        self._check_dependencies(context)
        # Before the check, which is a request of the day itself.
        told = forecast(context)
        answered = open_source(context).check()
        return StepResult(notes=(answered, *((str(told),) if told else ())))

    def _check_frequency(self, context: StepContext) -> None:
        source, flags = context.source, context.flags
        last = context.memory.published_at(source.name, source.dataset)
        if source.frequency is None or last is None or flags.force_run_all or flags.skip_frequency_check:
            return
        zone = ZoneInfo(source.time_zone or "UTC")
        if period(last.astimezone(zone), source.frequency) == period(
            context.clock.now().astimezone(zone), source.frequency
        ):
            raise Skipped(
                f"{source.name} is taken {source.frequency} and was published at {last:%Y-%m-%d %H:%M} UTC; "
                "skip_frequency_check runs it all the same"
            )

    def _check_dependencies(self, context: StepContext) -> None:
        source, flags = context.source, context.flags
        if not source.depends_on or flags.force_run_all or flags.skip_dependency_check:
            return
        last = context.memory.published_at(source.name, source.dataset)
        updates = {name: context.memory.dataset_updated_at(name) for name in source.depends_on}
        changed = [name for name, updated in updates.items() if updated and (last is None or updated > last)]
        if not changed:
            waited_for = ", ".join(source.depends_on)
            raise Skipped(f"{source.name} depends on {waited_for}, and nothing of it has changed since its last run")


def period(moment: datetime, frequency: str) -> tuple[int, ...]:
    """The hour, day, week or month that a local time lies in."""
    if frequency == "weekly":
        return moment.isocalendar()[:2]
    day = (moment.year, moment.month, moment.day, moment.hour)
    return day[: {"hourly": 4, "daily": 3, "monthly": 2}[frequency]]
