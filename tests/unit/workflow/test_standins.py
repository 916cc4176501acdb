"""Who may stand in, where a stand-in begins, and under what name it works."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.standins import Choice, in_place, may_stand_in, next_after
from tests.crash.small_project import WORKFLOW, write_project


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    folder = write_project(tmp_path / "project")
    sources = folder / "include" / "configs" / "sources"
    primary = (sources / "prices.yaml").read_text()
    other = primary.replace("name: prices", "name: mirror").replace("/drop", "/mirror")
    (sources / "mirror.yaml").write_text(other)
    (sources / "moving.yaml").write_text(
        other.replace("name: mirror", "name: moving").replace(
            "  contract:", "  incremental: {field: date}\n  contract:"
        )
    )
    (sources / "same.yaml").write_text(
        other.replace("name: mirror", "name: same").replace("  contract:", "  dataset: prices\n  contract:")
    )
    (sources / "prices.yaml").write_text(
        primary.replace("  contract:", "  fallbacks: [mirror, moving, same]\n  contract:")
    )
    return compile_plan(load_catalog(folder, known_actions=known_actions()), WORKFLOW)


def test_the_plan_holds_the_fallbacks_and_reads_back_the_same(plan: Plan) -> None:
    assert [other.name for other in plan.source("prices").fallbacks] == ["mirror", "moving", "same"]
    assert Plan.from_json(plan.to_json()).digest == plan.digest


def test_a_plan_without_fallbacks_says_nothing_of_them(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project")
    written = compile_plan(load_catalog(folder, known_actions=known_actions()), WORKFLOW).to_json()
    assert b'"fallbacks"' not in written
    assert b"standsInFor" not in written


def test_only_sources_of_one_kind_and_of_another_dataset_may_stand_in(plan: Plan) -> None:
    primary = plan.source("prices")
    reasons = {other.name: may_stand_in(primary, other) for other in primary.fallbacks}
    assert reasons["mirror"] is None
    assert "incremental" in str(reasons["moving"])
    assert "same dataset" in str(reasons["same"])


def test_a_stand_in_works_for_the_primarys_dataset_in_folders_that_name_both(plan: Plan) -> None:
    found = in_place(plan.source("prices"), Choice(served_by="mirror"))
    assert (found.name, found.dataset, found.folder) == ("mirror", "prices", "prices~mirror")
    assert found.service_facts == {"served_by": "mirror", "stands_in_for": "prices"}
    in_its_place = in_place(plan.source("prices"), Choice(served_by="mirror", own_name=False))
    assert (in_its_place.name, in_its_place.folder) == ("prices", "prices~mirror")


@pytest.mark.parametrize(
    ("value", "kind", "behind"),
    [
        ("2026-01-31", "date", "2026-02-01"),
        ("41", "integer", "42"),
        ("2026-01-05T06:00:00+00:00", "timestamp(UTC)", "2026-01-05T06:00:00.000001+00:00"),
        ("abc", "text", "abc"),
    ],
)
def test_an_increment_of_a_stand_in_begins_behind_the_primarys_mark(value: str, kind: str, behind: str) -> None:
    assert next_after(Watermark(field="date", value=value, type=kind)) == behind


def test_without_a_mark_a_stand_in_begins_where_its_own_document_says() -> None:
    assert next_after(None) is None
