"""Whole runs over a topic: each message stands once in the dataset, whatever happens between two runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import POSITIONS, StepResult
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.store.read import dataset_folder, open_snapshot
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.lifecycle import Outcome
from finport_ingestion.engine.workflow.perform import Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import SOURCE, WORKFLOW, write_project
from tests.services.kafka_server import KafkaServer

_OVERRIDES = "    quality: {minRows: 0, report: false,"
SPARSE = {"key": "binary", "headers": "json", "undecoded": "binary", "problem": "text"}
"""Columns that a healthy topic may leave empty."""


@dataclass
class Deployment:
    """A topic that becomes a dataset."""

    folder: Path
    server: KafkaServer
    topic: str
    told: list[str] = field(default_factory=list)

    def write(self, *prices: str, partition: int = 0) -> None:
        self.server.write(self.topic, [f'{{"price": {price}}}' for price in prices], partition=partition)

    def run(self, run_id: str, **flags: object) -> Outcome:
        services = self.services()
        services.state.upgrade()
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)
        key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=datetime(2026, 3, 1, tzinfo=UTC))
        return Ingest(plan=plan, run=key, services=services, flags=Flags(**flags), report=self._tell)()  # type: ignore[arg-type]

    def services(self) -> Services:
        (self.folder / ".finport").mkdir(exist_ok=True)
        return Services.of(Project(self.folder))

    def stored(self) -> list[str]:
        table = open_snapshot(dataset_folder(self.services().places, SOURCE)).to_table()
        return sorted(str(row["price"]) for row in table.to_pylist())

    def place(self) -> dict[str, int]:
        watermark = self.services().state.watermark(SOURCE, SOURCE)
        assert watermark is not None
        assert watermark.type == POSITIONS
        found: dict[str, int] = json.loads(watermark.value)["offsets"]
        return found

    def _tell(self, unit: Unit, ending: object) -> None:
        if not isinstance(ending, StepResult):
            self.told.append(f"{unit.step}: {ending}")


def deployed(folder: Path, kafka: KafkaServer, patch: pytest.MonkeyPatch, *, start: str = "earliest") -> Deployment:
    topic = kafka.create_topic(partitions=2)
    extra = {"sasl.mechanism": "SCRAM-SHA-256", "ca_file": str(kafka.ca_path)}
    connection = {"conn_type": "kafka", "host": "127.0.0.1", "port": kafka.ports["sasl"], "extra": extra}
    login = {"login": kafka.user, "password": kafka.password}
    patch.setenv("AIRFLOW_CONN_EVENTS", json.dumps({**connection, **login}))
    fields = {"price": "decimal(18,4)"}
    source: dict[str, object] = {
        "protocol": "kafka",
        "connection": "events",
        "topic": topic,
        "start": start,
        "fields": fields,
    }
    source["messagesPerItem"] = 3
    write_project(folder, source=json.dumps(source), convert="{format: parquet}")
    document = folder / "include/configs/sources/prices.yaml"
    text = document.read_text().replace("    quality: {report: false,", _OVERRIDES)
    contract = text.index("    key: [isin, date]")
    columns = '    columns:\n      - {name: price, type: "decimal(18,4)", nullable: false, minimum: 0}\n' + "".join(
        f"      - {{name: {name}, type: {kind}, nullable: true}}\n" for name, kind in SPARSE.items()
    )
    document.write_text(f"{text[:contract]}{columns}{text[text.index('  overrides:') :]}")
    return Deployment(folder, kafka, topic)


def test_each_message_is_published_once_over_runs(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch)
    topic.write("1.0", "2.0", "3.0", "4.0", "5.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    assert topic.stored() == ["1.0000", "2.0000", "3.0000", "4.0000", "5.0000"]
    assert topic.place() == {"0": 5, "1": 0}
    assert topic.run("run-2").status == "skipped"
    topic.write("6.0", partition=1)
    topic.write("7.0")
    assert topic.run("run-3").status == "succeeded", topic.told
    assert topic.stored()[5:] == ["6.0000", "7.0000"]
    assert topic.place() == {"0": 6, "1": 1}


def test_a_rejected_message_does_not_hold_the_place_back(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch)
    topic.write("1.0", "2.0", "-3.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    topic.write("4.0")
    assert topic.run("run-2").status == "succeeded", topic.told
    assert topic.stored() == ["1.0000", "2.0000", "4.0000"]
    assert topic.place() == {"0": 4, "1": 0}


def test_a_replay_moves_no_place_and_doubles_nothing(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch)
    topic.write("1.0", "2.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    topic.write("3.0")
    assert topic.run("run-2").status == "succeeded", topic.told
    topic.run("run-3", replay_of="run-1")
    assert topic.stored() == ["1.0000", "2.0000", "3.0000"]
    assert topic.place() == {"0": 3, "1": 0}


def test_a_forced_run_takes_the_place_of_all(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch)
    topic.write("1.0", "2.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    topic.write("3.0")
    assert topic.run("run-2").status == "succeeded", topic.told
    assert topic.run("run-3", force_run_all=True).status == "succeeded", topic.told
    assert topic.stored() == ["1.0000", "2.0000", "3.0000"]


def test_a_first_run_of_latest_remembers_where_it_stood(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch, start="latest")
    topic.write("1.0", "2.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    assert topic.place() == {"0": 2, "1": 0}
    topic.write("3.0")
    topic.write("4.0", partition=1)
    assert topic.run("run-2").status == "succeeded", topic.told
    assert topic.stored() == ["3.0000", "4.0000"]


def test_messages_that_were_removed_unread_fail_the_run(
    tmp_path: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = deployed(tmp_path / "project", kafka, monkeypatch)
    topic.write("1.0")
    assert topic.run("run-1").status == "succeeded", topic.told
    topic.write("2.0", "3.0")
    kafka.delete_before(topic.topic, 0, 2)
    assert topic.run("run-2").status == "failed"
    assert "offsets 1 to 1 were removed before they were read" in topic.told[-1]
    assert topic.place() == {"0": 1, "1": 0}
