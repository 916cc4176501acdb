"""What a workflow says of its sources, steps and time."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from tests.unit.config.project import ProjectFolder

STANDARD = """
- {name: validate, agent: collector, action: collect, timeout: 5m, retries: 3}
- {name: connect, agent: collector, action: collect, timeout: 2m, retries: 5}
- {name: collect, agent: collector, action: collect, timeout: 30m, retries: 3, parallel: 4}
- {name: convert, agent: collector, action: collect, timeout: 15m, retries: 2}
- {name: quality, agent: collector, action: collect, timeout: 10m, retries: 2}
- {name: store, agent: collector, action: collect, timeout: 20m, retries: 3}
"""


@pytest.mark.parametrize(
    ("select", "mistake"),
    [
        ("names: [a, bb]", "10:16: spec.sources.names[1]: unknown Source 'bb'; did you mean 'b'?"),
        ("names: [b]", "9:3: spec.sources: selects only sources that are not enabled: b"),
        ("matchLabels: {workflow: W}", ("10:18: spec.sources.matchLabels: no source has the labels workflow=W; "
         "did you mean workflow=w?")),
        ("matchLabels: {workfow: w}", ("10:18: spec.sources.matchLabels: no source has the labels workfow=w; "
         "did you mean the label 'workflow'?")),
        ("matchLabels: {workflow: w, x: y}", ("10:18: spec.sources.matchLabels: no source has the labels workflow=w, "
         "x=y")),
        ("names: []", "9:3: spec.sources: select sources by matchLabels or by names"),
    ],
)  # fmt: skip
def test_a_selector_that_finds_nothing_is_a_mistake(project: ProjectFolder, select: str, mistake: str) -> None:
    project.source("a")
    project.source("b", "enabled: false", labels="{}")
    project.workflow("w", select=select)
    assert project.mistakes() == [f"workflows/w.yaml:{mistake}"]


def test_every_mistake_of_the_steps_is_told_at_once(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow(
        "w",
        "timeout: 10h",
        steps="""
        - {name: a, agent: collecter, action: collect, timeout: 30m}
        - {name: b, agent: collector, action: colect, dependsOn: [a, zz], timeout: 0s}
        - {name: c, agent: base-data-storage, action: collect}
        - {name: c, agent: x, action: y}
        """,
    )
    assert project.mistakes() == [
        "workflows/w.yaml:13:24: spec.steps[0].agent: unknown agent 'collecter'; did you mean 'collector'?",
        "workflows/w.yaml:14:43: spec.steps[1].action: collector has no action 'colect'; did you mean 'collect'?",
        "workflows/w.yaml:14:66: spec.steps[1].dependsOn[1]: unknown step 'zz'; known: a, b, c",
        "workflows/w.yaml:14:80: spec.steps[1].timeout: must be longer than 0s",
        "workflows/w.yaml:15:51: spec.steps[2].action: base-data-storage has no action 'collect'; known: store",
        "workflows/w.yaml:16:14: spec.steps[3].name: another step is called 'c'; names are unique",
        "workflows/w.yaml:16:24: spec.steps[3].agent: unknown agent 'x'; known: base-data-storage, collector",
    ]
    assert project.catalog().usable_workflows == ()


def test_steps_that_wait_for_each_other_are_shown_as_a_circle(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow(
        "w",
        steps="""
        - {name: first, agent: collector, action: collect, timeout: 1m, dependsOn: [third]}
        - {name: second, agent: collector, action: collect, timeout: 1m}
        - {name: third, agent: collector, action: collect, timeout: 1m}
        """,
    )
    assert project.mistakes() == [
        (
            "workflows/w.yaml:13:80: spec.steps[0].dependsOn: the steps go in a circle: first -> third -> second -> "
            "first; take one of them out"
        )
    ]


def test_actions_are_not_checked_where_none_are_given(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow("w", steps="- {name: a, agent: x, action: y, timeout: 1m}")
    assert load_catalog(project.folder).mistakes == ()


def test_the_longest_chain_of_steps_must_fit_the_timeout(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow(
        "w",
        "timeout: 1h",
        steps="""
        - {name: a, agent: collector, action: collect, timeout: 30m, retries: 3}
        - {name: b, agent: collector, action: collect, timeout: 20m, dependsOn: []}
        - {name: c, agent: collector, action: collect, timeout: 25m, dependsOn: [b]}
        - {name: d, agent: collector, action: collect, timeout: 20m, dependsOn: [a, c]}
        """,
    )
    assert project.mistakes() == [
        (
            "workflows/w.yaml:11:12: spec.timeout: the steps may take 1h5m, each tried once (b 20m + c 25m + d 20m), "
            "and the workflow has 1h; allow it more, or the steps less"
        )
    ]
    assert project.catalog().notes == ()


def test_branches_that_run_side_by_side_are_not_added_up(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow(
        "w",
        "timeout: 1h",
        steps="""
        - {name: a, agent: collector, action: collect, timeout: 50m, retries: 0}
        - {name: b, agent: collector, action: collect, timeout: 50m, retries: 0, dependsOn: []}
        """,
    )
    catalog = project.catalog()
    assert (catalog.mistakes, catalog.notes) == ((), ())


def test_retries_over_the_timeout_are_a_note_and_no_mistake(project: ProjectFolder) -> None:
    # The standard workflow: 82 minutes in one pass, 307 with all retries, in two hours.
    project.source("a")
    project.workflow("w", "timeout: 2h", steps=STANDARD)
    catalog = project.catalog()
    assert catalog.mistakes == ()
    assert catalog.usable_workflows == ("w",)
    assert [str(note) for note in catalog.notes] == [
        (
            "include/configs/workflows/w.yaml:11:12: spec.timeout: with all retries the steps may take 5h7m, and the "
            "workflow has 2h; a retry that cannot finish in time is not started"
        )
    ]


def test_the_default_timeout_is_told_at_the_spec(project: ProjectFolder) -> None:
    project.source("a")
    project.workflow("w", steps="- {name: a, agent: collector, action: collect, timeout: 3h}")
    (mistake,) = project.mistakes()
    assert mistake.startswith("workflows/w.yaml:6:1: spec.timeout: the steps may take 3h")


@pytest.mark.parametrize(
    ("spec", "mistake"),
    [
        ("timeout: 0s", "11:12: spec.timeout: must be longer than 0s"),
        ("schedule: {interval: 0m}", "11:24: spec.schedule.interval: must be longer than 0s"),
        ("schedule: {cron: 0 25 * * *}", ("11:20: spec.schedule.cron: the hour of a cron expression cannot be '25'; it "
         "is 0 to 23, *, a range or a list")),
        ("schedule: {cron: daily}", ("11:20: spec.schedule.cron: a cron expression has five fields, e.g. "
         "'0 */6 * * *', and this one has 1")),
        ("schedule: {cron: 0 0 * * *, interval: 1h}", ("11:13: spec.schedule: one way to schedule, or cron beside "
         "assets; stated are cron, interval")),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_a_mistake(project: ProjectFolder, spec: str, mistake: str) -> None:
    project.source("a")
    project.workflow("w", spec)
    assert project.mistakes() == [f"workflows/w.yaml:{mistake}"]


def test_more_steps_than_the_stack_is_deep_are_counted_without_recursion(project: ProjectFolder) -> None:
    project.source("a")
    steps = "\n".join(f"- {{name: s{n}, agent: collector, action: collect, timeout: 1s}}" for n in range(1_500))
    project.workflow("w", "timeout: 1500s", steps=steps)
    assert project.mistakes() == []
