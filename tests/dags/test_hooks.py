"""The connector and the collector as hooks, for tasks that authors write themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.hooks.agents import CollectorHook, ConnectorHook
from tests.crash.small_project import FILES, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one source, whose state database nobody has made yet."""
    folder = write_project(tmp_path / "project")
    (folder / ".finport").mkdir()
    return folder


def test_a_source_is_reached_by_the_name_of_its_document(project: Path) -> None:
    assert ConnectorHook("prices", project=project).check().startswith("prices: folder ")


def test_its_items_are_listed_and_read(project: Path) -> None:
    hook = CollectorHook("prices", project=project)
    assert [item.id for item in hook.items()] == sorted(FILES)
    with hook.opened() as source:
        (delivery,) = source.open(hook.items()[0])  # type: ignore[union-attr]
        assert delivery.size_bytes == hook.items()[0].size_bytes


def test_an_unknown_source_is_told_with_the_nearest_name(project: Path) -> None:
    with pytest.raises(ConfigError, match="no Source 'price'") as raised:
        ConnectorHook("price", project=project).check()
    assert "prices" in str(raised.value)
