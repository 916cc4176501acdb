"""Documents beside each other: references, circles, rates, and what one wrong document costs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.config.models.settings import is_above, parse_rate
from finport_ingestion.engine.errors import ConfigError
from tests.unit.config.project import ProjectFolder, source

BROKEN_FORMAT = """
    apiVersion: finport.io/v1
    kind: Format
    metadata: {name: broken}
    spec:
      convert: {format: csv
    """


def test_references_that_lead_nowhere_are_told_with_what_was_meant(project: ProjectFolder) -> None:
    project.source(
        "a",
        """
        authentication: oauth
        format: csv-defalt
        policy: marketdata
        fallbacks: [a, bb]
        dependsOn: [prics]
        """,
    )
    project.source("b", "provides: [prices]", labels="{}")
    project.policy("market-data", "quality: {minScore: 90}")
    assert project.mistakes() == [
        "sources/a.yaml:10:19: spec.authentication: unknown Authentication 'oauth'; known: none",
        "sources/a.yaml:11:11: spec.format: unknown Format 'csv-defalt'; known: none",
        "sources/a.yaml:12:11: spec.policy: unknown Policy 'marketdata'; did you mean 'market-data'?",
        "sources/a.yaml:13:15: spec.fallbacks[0]: a source cannot stand in for itself; name another one",
        "sources/a.yaml:13:18: spec.fallbacks[1]: unknown Source 'bb'; did you mean 'b'?",
        "sources/a.yaml:14:15: spec.dependsOn[0]: no source provides the dataset 'prics'; did you mean 'prices'?",
    ]


def test_a_source_provides_its_dataset_or_else_its_name(project: ProjectFolder) -> None:
    project.source("a", "dependsOn: [b, prices, quotes, trades]")
    project.source("b")
    project.source("c", "dataset: prices")
    project.source("d", "dataset: quotes\nprovides: [trades]")
    assert project.mistakes() == []


def test_two_sources_may_provide_the_same_dataset(project: ProjectFolder) -> None:
    project.source("a", "dataset: prices")
    project.source("b", "dataset: prices\ncontract: {columns: [{name: x, type: date}]}")
    project.workflow("w")
    catalog = project.catalog()
    assert catalog.mistakes == ()
    assert catalog.datasets["prices"] == ("a", "b")


def test_a_circle_of_sources_is_shown_once_and_costs_all_of_them(project: ProjectFolder) -> None:
    project.source("a", "dependsOn: [b]", labels="{workflow: a}")
    project.source("b", "dependsOn: [c]", labels="{workflow: b}")
    project.source("c", "dependsOn: [a]", labels="{workflow: c}")
    project.source("d", "dependsOn: [d]", labels="{workflow: d}")
    project.source("e", "dependsOn: [a]", labels="{workflow: e}")
    for name in "abcde":
        project.workflow(name, select=f"matchLabels: {{workflow: {name}}}")
    assert project.mistakes() == [
        "sources/a.yaml:10:14: spec.dependsOn: dependsOn goes in a circle: a -> b -> c -> a; take one of them out",
        "sources/d.yaml:10:14: spec.dependsOn: dependsOn goes in a circle: d -> d; take one of them out",
    ]
    assert project.catalog().usable_workflows == ("e",)


def test_a_source_may_wait_for_another_provider_of_its_own_dataset(project: ProjectFolder) -> None:
    project.source("a", "dataset: prices\ndependsOn: [prices]")
    project.source("b", "dataset: prices")
    assert project.mistakes() == []


def test_a_name_that_is_taken_twice_costs_both(project: ProjectFolder) -> None:
    project.source("a")
    project.write("sources/b/a.yml", source("a", labels="{workflow: v}"))
    project.source("c", labels="{workflow: u}")
    for name in "uvw":
        project.workflow(name, select=f"matchLabels: {{workflow: {name}}}")
    assert project.mistakes() == [
        (
            "sources/b/a.yml:4:9: metadata.name: another Source is called 'a' (include/configs/sources/a.yaml:4); "
            "names are unique"
        )
    ]
    assert project.catalog().usable_workflows == ("u",)


def test_documents_of_different_kinds_may_share_a_name(project: ProjectFolder) -> None:
    project.source("prices")
    project.policy("prices", "quality: {minScore: 90}")
    project.workflow("prices")
    assert project.catalog().usable_workflows == ("prices",)


def test_a_rate_above_the_global_one_is_told_at_the_line_that_states_it(project: ProjectFolder) -> None:
    project.policy("default", "limits: {globalRate: 1000/minute}")
    project.policy("fast", "limits: {rate: 2000/minute}")
    project.source("a", "policy: fast", labels="{workflow: a}")
    project.source("b", "overrides: {limits: {rate: 100/second}}", labels="{workflow: b}")
    project.source("c", "overrides: {limits: {globalRate: 10/minute}}", labels="{workflow: c}")
    project.source("d", "overrides: {limits: {rate: 1000/minute}}", labels="{workflow: d}")
    project.source("e", "policy: fast\noverrides: {quality: {minScore: 1}}", labels="{workflow: e}")
    for name in "abcde":
        project.workflow(name, select=f"matchLabels: {{workflow: {name}}}")
    above = "is above the global rate of 1000/minute (include/configs/policies/default.yaml:10); lower it"
    assert project.mistakes() == [
        f"policies/fast.yaml:10:20: spec.settings.limits.rate: 2000/minute {above}",
        f"sources/b.yaml:10:30: spec.overrides.limits.rate: 100/second {above}",
        (
            "sources/c.yaml:10:36: spec.overrides.limits.globalRate: 10/minute is below the rate of 100/minute that "
            "each source has; lower 'rate' too"
        ),
    ]
    assert project.catalog().usable_workflows == ("d",)


@pytest.mark.parametrize(
    ("rate", "limit", "above"),
    [
        ("5/second", "1000/minute", False),
        ("16/second", "1000/minute", False),
        ("17/second", "1000/minute", True),
        ("1000/second", "1000/minute", True),
        ("60000/hour", "1000/minute", False),
        ("60001/hour", "1000/minute", True),
        ("1440000/day", "1000/minute", False),
        ("1440001/day", "1000/minute", True),
        ("100/minute", "7000/hour", False),
        ("1/second", "3599/hour", True),
    ],
)
def test_rates_over_other_periods_are_compared_by_what_can_be_kept_up(
    project: ProjectFolder, rate: str, limit: str, *, above: bool
) -> None:
    project.policy("default", f"limits: {{globalRate: {limit}}}")
    project.source("a", f"overrides: {{limits: {{rate: {rate}}}}}")
    assert any("spec.overrides.limits.rate" in mistake for mistake in project.mistakes()) is above


@pytest.mark.parametrize(
    ("rate", "limit"),
    [("5/second", "1000/minute"), ("16/second", "1000/minute"), ("600/hour", "10/minute"), ("7/minute", "421/hour")],
)
def test_a_rate_that_is_not_above_can_be_used_whole_within_the_limits_windows(rate: str, limit: str) -> None:
    assert not is_above(rate, limit)
    (requests, seconds), (most, period) = parse_rate(rate), parse_rate(limit)
    sent = [Fraction(number * seconds, requests) for number in range(requests + 1)]
    for first in sent:
        assert sum(1 for at in sent if first <= at < first + period) <= most


def test_no_source_and_no_step_may_lift_the_global_rate(project: ProjectFolder) -> None:
    project.policy("default", "limits: {globalRate: 1000/minute}")
    project.policy("wide", "limits: {globalRate: 3000/minute}")
    project.source("a", "overrides: {limits: {rate: 2000/minute, globalRate: 2000/minute}}", labels="{workflow: a}")
    project.source("b", "policy: wide\noverrides: {limits: {rate: 2000/minute, globalRate: 2500/minute}}")
    project.workflow("a", select="matchLabels: {workflow: a}")
    project.workflow(
        "w",
        steps="""
        - {name: a, agent: collector, action: collect, timeout: 1m, overrides: {limits: {globalRate: 4000/minute}}}
        """,
    )
    places = ("include/configs/policies/default.yaml:10", "include/configs/policies/wide.yaml:10")
    assert project.mistakes() == [
        (
            "sources/a.yaml:10:55: spec.overrides.limits.globalRate: 2000/minute is above the global rate of "
            f"1000/minute ({places[0]}); lower it here, or raise it in the policy"
        ),
        (
            "workflows/w.yaml:13:98: spec.steps[0].overrides.limits.globalRate: 4000/minute is above the global rate "
            f"of 3000/minute ({places[1]}); lower it here, or raise it in the policy"
        ),
    ]
    assert project.catalog().usable_workflows == ()


def test_a_global_rate_lowered_below_the_rate_of_a_lower_layer_is_told_where_it_is_lowered(
    project: ProjectFolder,
) -> None:
    project.policy("default", "limits: {rate: 900/minute}")
    project.policy("tight", "limits: {globalRate: 500/minute}")
    project.source("a", "overrides: {limits: {rate: 400/minute}}")
    project.workflow(
        "w",
        steps="""
        - {name: a, agent: collector, action: collect, timeout: 1m, overrides: {limits: {globalRate: 300/minute}}}
        """,
    )
    assert project.mistakes() == [
        (
            "policies/tight.yaml:10:26: spec.settings.limits.globalRate: 500/minute is below the rate of 900/minute "
            "(include/configs/policies/default.yaml:10); lower 'rate' too, or raise this one"
        ),
        (
            "workflows/w.yaml:13:98: spec.steps[0].overrides.limits.globalRate: 300/minute is below the rate of "
            "400/minute (include/configs/sources/a.yaml:10); lower 'rate' too, or raise this one"
        ),
    ]


def test_a_rate_of_a_step_above_the_global_one_is_told(project: ProjectFolder) -> None:
    project.source("a")
    project.source("b")
    project.workflow(
        "w",
        steps="""
        - {name: a, agent: collector, action: collect, timeout: 1m, overrides: {limits: {rate: 5000/hour}}}
        - {name: b, agent: collector, action: collect, timeout: 1m, overrides: {limits: {rate: 5000/minute}}}
        """,
    )
    (mistake,) = project.mistakes()
    assert mistake.endswith("spec.steps[1].overrides.limits.rate: 5000/minute is above the global rate of 1000/minute; "
                            "lower it")  # fmt: skip


def test_one_wrong_document_costs_only_the_workflows_that_use_it(project: ProjectFolder) -> None:
    project.write("formats/broken.yaml", BROKEN_FORMAT)
    project.source("a", "format: broken", labels="{workflow: direct}")
    project.source("b", "fallbacks: [c]", labels="{workflow: fallback}")
    project.source("c", "fallbacks: [a]", labels="{}")
    project.source("d", labels="{workflow: apart}")
    project.source("e", "dependsOn: [a]", labels="{workflow: dependent}")
    project.source("f", "format: broken\nenabled: false", labels="{workflow: apart}")
    for name in ("direct", "fallback", "apart", "dependent"):
        project.workflow(name, select=f"matchLabels: {{workflow: {name}}}")
    assert project.mistakes() == [
        "formats/broken.yaml:5:12: not YAML: a '{' opens here and is not closed, or a ',' is missing"
    ]
    assert project.catalog().usable_workflows == ("apart", "dependent")


def test_a_wrong_default_policy_costs_every_workflow(project: ProjectFolder) -> None:
    project.policy("default", "quality: {minScoer: 1}")
    project.source("a")
    project.workflow("w")
    assert project.mistakes() == [
        "policies/default.yaml:10:15: spec.settings.quality.minScoer: unknown key; did you mean 'minScore'?"
    ]
    assert project.catalog().usable_workflows == ()


def test_a_workflow_does_not_run_without_a_source_that_is_no_yaml(project: ProjectFolder) -> None:
    project.source("a")
    project.write("sources/b.yaml", source("b", "dataset: prices\nfrequency: [daily"))
    project.source("c", "dependsOn: [prices]", labels="{workflow: v}")
    project.workflow("w")
    project.workflow("v", select="matchLabels: {workflow: v}")
    project.workflow("u", select="names: [b]")
    assert len(project.mistakes()) == 1
    assert project.catalog().usable_workflows == ("v",)


def test_a_workflow_needs_what_its_sources_refer_to(project: ProjectFolder) -> None:
    project.policy("default", "quality: {minScore: 1}")
    project.policy("strict", "quality: {minScore: 99}")
    project.policy("unused", "quality: {minScore: 9}")
    project.source("b", "policy: strict")
    project.source("a", "fallbacks: [c]")
    project.source("c", labels="{}")
    project.workflow("w")
    catalog = project.catalog()
    needed = [(document.kind, document.name) for document in catalog.referenced("w")]
    assert sorted(needed, key=str) == [
        ("Policy", "default"),
        ("Policy", "strict"),
        ("Source", "a"),
        ("Source", "b"),
        ("Source", "c"),
        ("Workflow", "w"),
    ]
    assert catalog.referenced("unknown") == catalog.by_name["Policy", "default"]


def test_the_sources_of_a_workflow_are_the_enabled_ones_by_name(project: ProjectFolder) -> None:
    project.source("c", labels="{workflow: w, group: x}")
    project.source("a", labels="{workflow: w, group: y}")
    project.source("b", "enabled: false", labels="{workflow: w, group: x}")
    project.source("d", labels="{}")
    project.workflow("w")
    project.workflow("v", select="{matchLabels: {workflow: w, group: x}, names: [d]}")
    catalog = project.catalog()
    assert [each.metadata.name for each in catalog.sources_of("w")] == ["a", "c"]
    assert [each.metadata.name for each in catalog.sources_of("v")] == ["c", "d"]


def test_asking_for_a_document_that_is_not_there_names_the_nearest(project: ProjectFolder) -> None:
    project.source("prices")
    catalog = project.catalog()
    assert catalog.source("prices").metadata.name == "prices"
    with pytest.raises(ConfigError, match=r"no Source 'price'\. Fix: did you mean 'prices'\?"):
        catalog.source("price")


def test_asking_for_a_wrong_document_tells_its_mistakes(project: ProjectFolder) -> None:
    project.source("prices", "frequency: dayly")
    with pytest.raises(ConfigError, match=r"prices.yaml:10:14: spec.frequency: must be one of"):
        project.catalog().source("prices")


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder 'include/configs'"):
        load_catalog(tmp_path)


def test_an_empty_project_is_no_mistake(project: ProjectFolder) -> None:
    catalog = project.catalog()
    assert (catalog.documents, catalog.mistakes, catalog.usable_workflows) == ((), (), ())
