"""Whole runs of a small project in this process: what is taken, what is skipped and why, where the mark stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import Clock, SystemClock
from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, Phase, RunKey
from finport_ingestion.engine.store.read import dataset_folder, open_snapshot
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest, Report
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.perform import StepFailed, Unit
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.recovery import settle
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.clocks import LaterClock
from tests.crash.small_project import SOURCE, WORKFLOW, rows, write_project

RUN_DAY = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass
class Deployment:
    """The small project and its runs."""

    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    told: list[str] = field(default_factory=list)

    @property
    def document(self) -> Path:
        return self.folder / "include/configs/sources/prices.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.document.read_text()
        assert old in text
        self.document.write_text(text.replace(old, new))

    def deliver(self, name: str, *lines: str) -> None:
        (self.folder / "drop" / name).write_text("isin,date,price\n" + "".join(f"{line}\n" for line in lines))

    @property
    def services(self) -> Services:
        (self.folder / ".finport").mkdir(exist_ok=True)
        return Services.of(Project(self.folder), clock=self.clock)

    @property
    def plan(self) -> Plan:
        return compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)

    def run(self, run_id: str, *, report: Report | None = None, **flags: object) -> Outcome:
        self.services.state.upgrade()
        key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=RUN_DAY)
        chosen = Flags(**flags)  # type: ignore[arg-type]
        return Ingest(plan=self.plan, run=key, services=self.services, flags=chosen, report=report or self.tell)()

    def tell(self, unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
        if not isinstance(ending, StepResult):
            self.told.append(f"{unit.step}: {ending}")

    def stored(self) -> list[tuple[str, str, str]]:
        table = open_snapshot(dataset_folder(self.services.places, SOURCE)).to_table()
        return sorted((row["isin"], str(row["date"]), str(row["price"])) for row in table.to_pylist())

    def mark(self) -> str | None:
        watermark = self.services.state.watermark(SOURCE, SOURCE)
        return watermark.value if watermark else None


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(write_project(tmp_path / "project"))


@pytest.fixture
def increments(deployment: Deployment) -> Deployment:
    """The same, with one file that grows and a mark on its date."""
    for path in (deployment.folder / "drop").glob("*.csv"):
        path.unlink()
    deployment.edit("  contract:", "  incremental: {field: date}\n  contract:")
    deployment.edit(
        "{name: date, type: date, nullable: false}", "{name: date, type: date, nullable: false, future: false}"
    )
    return deployment


def test_an_unchanged_source_is_skipped_and_says_why(deployment: Deployment) -> None:
    assert deployment.run("run-1").status == "succeeded"
    assert deployment.run("run-2").status == "skipped"
    assert "unchanged since" in deployment.told[-1]
    assert deployment.stored() == rows()


def test_a_forced_run_takes_everything_and_doubles_nothing(deployment: Deployment) -> None:
    deployment.run("run-1")
    assert deployment.run("run-2", force_run_all=True).status == "succeeded"
    assert deployment.stored() == rows()


def test_the_schema_that_every_value_gives_is_published(deployment: Deployment) -> None:
    for path in (deployment.folder / "drop").glob("*.csv"):
        path.unlink()
    deployment.edit('      - {name: price, type: "decimal(18,4)", nullable: false, minimum: 0}\n', "")
    days = [f"XS0000000001,2026-01-{day:02d}" for day in range(1, 21)]
    deployment.deliver("first.csv", *(f"{line},{day}" for day, line in enumerate(days)))
    deployment.deliver("second.csv", *(f"{line.replace('1,', '2,', 1)},7.125" for line in days))
    assert deployment.run("run-1").status == "succeeded", deployment.told
    told = [row for row in deployment.services.state.events("run-1") if row.facts.get("step") == "convert"]
    kinds = [row.type.removeprefix("io.finport.") for row in told]
    assert kinds == ["schema_inferred", "format_converted"]
    for row in told:
        assert row.facts["schema"] == [
            {"name": "isin", "type": "identifier", "label": "identifier"},
            {"name": "date", "type": "date", "label": None},
            {"name": "price", "type": "decimal(18,3)", "label": None},
        ]


def test_a_file_delivered_again_takes_the_place_of_the_first(deployment: Deployment) -> None:
    deployment.run("run-1")
    deployment.deliver("first.csv", "XS0000000001,2026-01-01,999.99")
    assert deployment.run("run-2").status == "succeeded"
    assert [row for row in deployment.stored() if row[0] == "XS0000000001"] == [
        ("XS0000000001", "2026-01-01", "999.9900")
    ]
    assert len(deployment.stored()) == 21


def test_the_name_of_an_item_gives_columns(deployment: Deployment) -> None:
    deployment.edit("  contract:", "  itemColumns: ^(?P<venue>[a-z]+)[.]csv$\n  contract:")
    assert deployment.run("run-1").status == "succeeded", deployment.told
    table = open_snapshot(dataset_folder(deployment.services.places, SOURCE)).to_table()
    assert {(row["venue"], row["isin"]) for row in table.to_pylist()} == {
        ("first", "XS0000000001"),
        ("second", "XS0000000002"),
    }


def test_an_item_whose_name_gives_no_columns_is_told(deployment: Deployment) -> None:
    deployment.edit("  contract:", "  itemColumns: ^(?P<venue>first)[.]csv$\n  contract:")
    assert deployment.run("run-1").status == "failed"
    assert "prices: item 'second.csv' does not match itemColumns" in deployment.told[-1]


def test_a_dry_run_asks_the_source_and_writes_nothing(deployment: Deployment) -> None:
    assert deployment.run("run-1", dry_run=True).status == "skipped"
    assert "2 item(s) would be collected (first.csv, second.csv)" in deployment.told[-1]
    assert not deployment.services.places.root.exists()


def test_a_daily_source_is_taken_once_a_day(deployment: Deployment) -> None:
    deployment.edit("  contract:", "  frequency: daily\n  contract:")
    deployment.run("run-1")
    deployment.deliver("third.csv", "XS0000000004,2026-01-02,1.00")
    assert deployment.run("run-2").status == "skipped"
    assert "taken daily" in deployment.told[-1]
    assert deployment.run("run-3", skip_frequency_check=True).status == "succeeded"
    deployment.deliver("fourth.csv", "XS0000000005,2026-01-02,1.00")
    deployment.clock = LaterClock(timedelta(hours=24))
    assert deployment.run("run-4").status == "succeeded"


def test_a_source_waits_for_what_it_depends_on(deployment: Deployment) -> None:
    other = deployment.document.read_text().replace("{name: prices}", "{name: rates}")
    (deployment.document.parent / "rates.yaml").write_text(other)
    deployment.edit("  contract:", "  dependsOn: [rates]\n  contract:")
    assert deployment.run("run-1").status == "skipped"
    assert "depends on rates, and nothing of it has changed" in deployment.told[-1]
    assert deployment.run("run-2", skip_dependency_check=True).status == "succeeded"


def test_the_mark_moves_with_what_passed_and_not_with_a_date_in_the_future(increments: Deployment) -> None:
    increments.deliver("all.csv", "A,2026-01-02,1.00", "B,2026-01-03,2.00", "C,2099-12-31,3.00")
    assert increments.run("run-1").status == "succeeded"
    assert increments.mark() == "2026-01-03"
    assert [row[0] for row in increments.stored()] == ["A", "B"]


def test_the_next_run_takes_what_is_new_late_rows_at_the_mark_too_and_no_known_bad_row(increments: Deployment) -> None:
    first = ("A,2026-01-02,1.00", "B,2026-01-03,2.00", "C,2099-12-31,3.00")
    increments.deliver("all.csv", *first)
    increments.run("run-1")
    increments.deliver("all.csv", *first, "D,2026-01-03,4.00", "E,2026-01-04,5.00")
    assert increments.run("run-2").status == "succeeded"
    assert [row[0] for row in increments.stored()] == ["A", "B", "D", "E"]
    assert increments.mark() == "2026-01-04"
    increments.deliver("all.csv", *first, "D,2026-01-03,4.00", "E,2026-01-04,5.00", "")
    assert increments.run("run-3").status == "skipped"
    assert "nothing new since date 2026-01-04" in increments.told[-1]


def test_a_replay_publishes_what_the_gate_held_back_and_moves_the_mark(increments: Deployment) -> None:
    increments.edit("maxErrorShare: 0.5", "maxErrorShare: 0.0")
    increments.deliver("all.csv", "A,2026-01-02,1.00", "B,2026-01-03,-2.00")
    assert increments.run("run-1").status == "failed"
    increments.edit("maxErrorShare: 0.0", "maxErrorShare: 0.5")
    assert increments.run("run-2", replay_of="run-1").status == "succeeded"
    assert [row[0] for row in increments.stored()] == ["A"]
    assert increments.mark() == "2026-01-02"
    increments.run("run-3")
    assert [row[0] for row in increments.stored()] == ["A"]


def test_an_old_delivery_does_not_take_the_place_of_a_newer_one(deployment: Deployment) -> None:
    deployment.run("run-1")
    deployment.deliver("first.csv", "XS0000000001,2026-01-01,999.99")
    deployment.run("run-2")
    assert deployment.run("run-3", replay_of="run-1").status == "skipped"
    assert "first.csv was published with other bytes after run run-1 landed it" in deployment.told[-1]
    assert len(deployment.stored()) == 21


def test_a_run_uses_the_plan_it_began_with(deployment: Deployment) -> None:
    seen: set[str] = set()

    def change_the_document(unit: Unit, ending: object) -> None:
        seen.add(unit.plan.digest)
        if unit.step == "connect":
            deployment.edit("minimum: 0", "minimum: 1000000")

    began_with = deployment.plan.digest
    assert deployment.run("run-1", report=change_the_document).status == "succeeded"
    assert seen == {began_with}
    assert deployment.plan.digest != began_with
    assert deployment.stored() == rows()


def test_a_variable_that_is_not_set_costs_its_source_alone(deployment: Deployment) -> None:
    other = (
        deployment.document.read_text().replace("{name: prices}", "{name: rates}").replace("*.csv", "${NOWHERE_SET}")
    )
    (deployment.document.parent / "rates.yaml").write_text(other)
    workflow = deployment.folder / "include/configs/workflows/prices.yaml"
    workflow.write_text(workflow.read_text().replace("names: [prices]", "names: [prices, rates]"))
    outcome = deployment.run("run-1")
    assert dict(outcome.sources) == {"prices": "succeeded", "rates": "failed"}
    assert any("NOWHERE_SET" in told for told in deployment.told)
    assert deployment.stored() == rows()


def test_a_source_that_another_run_works_on_is_left_to_it(deployment: Deployment) -> None:
    answers: list[Outcome] = []

    def begin_another(unit: Unit, ending: object) -> None:
        if unit.step == "connect" and not answers:
            answers.append(deployment.run("run-2"))

    assert deployment.run("run-1", report=begin_another).status == "succeeded"
    assert answers[0].status == "failed"
    assert all("run-1" in told for told in deployment.told)
    assert deployment.stored() == rows()


def test_batches_of_an_earlier_listing_do_not_count(deployment: Deployment) -> None:
    def break_the_contract(unit: Unit, ending: object) -> None:
        if unit.step == "collect" and unit.phase is Phase.BATCH:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployment.run("run-1", report=break_the_contract)
    deployment.deliver("another.csv", "XS0000000006,2026-01-02,1.00")
    assert deployment.run("run-1").status == "succeeded", deployment.told
    assert len(deployment.stored()) == len(rows()) + 1


@pytest.fixture
def publishing_early(deployment: Deployment) -> Deployment:
    """The same, with a step after the one that publishes: it connects once more."""
    workflow = deployment.folder / "include/configs/workflows/prices.yaml"
    last = "{name: again, agent: connector, action: establish_secure_connection, timeout: 1m, retries: 0}"
    workflow.write_text(f"{workflow.read_text().rstrip()}\n    - {last}\n")
    return deployment


def _lose_the_source(deployment: Deployment) -> Report:
    def lose(unit: Unit, ending: object) -> None:
        if unit.step == "store":
            (deployment.folder / "drop").rename(deployment.folder / "gone")

    return lose


def test_a_source_that_fails_after_publishing_is_taken_back(publishing_early: Deployment) -> None:
    deployment = publishing_early
    assert deployment.run("run-1").status == "succeeded"
    deployment.deliver("first.csv", "XS0000000001,2026-01-01,999.99")
    assert deployment.run("run-2", report=_lose_the_source(deployment)).status == "failed"
    assert deployment.stored() == rows()
    assert "is taken back" in str(deployment.services.state.run("run-2").sources[0].reason)
    (deployment.folder / "gone").rename(deployment.folder / "drop")
    assert deployment.run("run-3").status == "succeeded"
    assert len(deployment.stored()) == 21


def test_a_source_whose_process_dies_after_publishing_is_taken_back_by_the_next_run(
    publishing_early: Deployment,
) -> None:
    deployment = publishing_early

    def die(unit: Unit, ending: object) -> None:
        if unit.step == "store":
            raise KeyboardInterrupt  # the process ends here; its lease still stands

    with pytest.raises(KeyboardInterrupt):
        deployment.run("run-1", report=die)
    assert deployment.stored() == rows()
    saga = deployment.services.state.open_sagas()[0]
    assert settle(saga, deployment.services).status == "failed"
    assert deployment.stored() == []
    assert deployment.services.state.fingerprints(SOURCE, SOURCE) == {}
    assert deployment.run("run-2").status == "succeeded"
    assert deployment.stored() == rows()
