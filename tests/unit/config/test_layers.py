"""Settings out of layers, and who stated each of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.layers import Layer, resolve_settings
from finport_ingestion.engine.config.models.settings import Settings
from finport_ingestion.engine.errors import ConfigError
from tests.unit.config.project import ProjectFolder


@pytest.fixture
def layered(project: ProjectFolder) -> ProjectFolder:
    """A source below whose step lie all four layers."""
    project.policy("default", "quality: {minScore: 10, minRows: 1, mask: full}\nretry: {delay: 1s}")
    project.policy("strict", "quality:\n  minScore: 20\n  minRows: 2")
    project.source("a", "policy: strict\noverrides:\n  quality:\n    minScore: 30")
    project.workflow(
        "w",
        steps="""
        - {name: collect, agent: collector, action: collect, timeout: 1m}
        - name: store
          agent: base-data-storage
          action: store
          timeout: 1m
          overrides:
            quality: {minScore: 40}
        """,
    )
    assert project.mistakes() == []
    return project


def test_each_layer_lies_above_the_one_before(layered: ProjectFolder) -> None:
    catalog = layered.catalog()
    quality = catalog.settings("a").settings.quality
    assert (quality.min_score, quality.min_rows, quality.mask) == (30, 2, "full")
    assert catalog.settings("a", step=("w", "collect")).settings.quality.min_score == 30
    assert catalog.settings("a", step=("w", "store")).settings.quality.min_score == 40
    run = {"quality": {"skip": True}, "limits": {"rate": "5/minute"}}
    settings = catalog.settings("a", step=("w", "store"), run=run).settings
    assert (settings.quality.skip, settings.quality.min_score, settings.limits.rate) == (True, 40, "5/minute")


def test_every_setting_says_where_it_comes_from(layered: ProjectFolder) -> None:
    resolved = layered.catalog().settings("a", step=("w", "store"), run={"quality": {"skip": True}})
    origins = resolved.origins
    assert origins["quality.skip"] == "run"
    assert origins["quality.minScore"] == "include/configs/workflows/w.yaml:19"
    assert origins["quality.minRows"] == "include/configs/policies/strict.yaml:12"
    assert origins["quality.mask"] == "include/configs/policies/default.yaml:10"
    assert origins["retry.delay"] == "include/configs/policies/default.yaml:11"
    assert origins["retry.maxDelay"] == "built-in"
    assert layered.catalog().settings("a").origins["quality.minScore"] == "include/configs/sources/a.yaml:13"


def test_every_setting_there_is_has_an_origin() -> None:
    origins = resolve_settings([]).origins
    assert set(origins.values()) == {"built-in"}
    assert {key.partition(".")[0] for key in origins} == {
        field.alias or name for name, field in Settings.model_fields.items()
    }


def test_another_storage_replaces_the_block_below_it_and_the_same_one_adds_to_it() -> None:
    parquet = Layer(origin="p", settings={"store": {"storage": "parquet", "partitionBy": ["d"], "lineage": False}})
    level = Layer(origin="l", settings={"store": {"storage": "parquet", "compressionLevel": 9}})
    table = Layer(origin="t", settings={"store": {"storage": "sql", "connection": "warehouse"}})
    both = resolve_settings([parquet, level])
    assert both.origins["store.partitionBy"] == "p"
    assert both.origins["store.compressionLevel"] == "l"
    other = resolve_settings([parquet, level, table])
    assert other.settings.store.storage == "sql"
    assert "store.partitionBy" not in other.origins
    assert other.origins["store.mode"] == "built-in"


def test_a_default_of_an_upper_layer_does_not_hide_what_a_lower_one_says(project: ProjectFolder) -> None:
    project.policy("default", "quality: {minScore: 10}")
    project.source("a", "overrides: {quality: {minRows: 5}}")
    assert project.catalog().settings("a").settings.quality.min_score == 10


def test_the_settings_of_a_run_are_checked_without_showing_values() -> None:
    with pytest.raises(ConfigError, match=r"the settings of run do not go together: quality\.minScore: must be a") as e:
        resolve_settings([Layer(origin="run", settings={"quality": {"minScore": "hunter2"}})])
    assert "hunter2" not in str(e.value)


def test_an_unknown_step_is_told(layered: ProjectFolder) -> None:
    with pytest.raises(ConfigError, match=r"no step 'stor'\. Fix: did you mean 'store'\?"):
        layered.catalog().settings("a", step=("w", "stor"))


_scores = st.dictionaries(st.sampled_from(["minScore", "minRows"]), st.integers(0, 100))


@given(st.lists(_scores, max_size=5))
@settings(max_examples=40)
def test_the_highest_layer_that_states_a_value_decides_it(stated: list[dict[str, int]]) -> None:
    layers = [Layer(origin=str(number), settings={"quality": quality}) for number, quality in enumerate(stated)]
    resolved = resolve_settings(layers)
    for key, value in (
        ("minScore", resolved.settings.quality.min_score),
        ("minRows", resolved.settings.quality.min_rows),
    ):
        deciding = [number for number, quality in enumerate(stated) if key in quality]
        if deciding:
            assert value == stated[deciding[-1]][key]
            assert resolved.origins[f"quality.{key}"] == str(deciding[-1])
        else:
            assert resolved.origins[f"quality.{key}"] == "built-in"
