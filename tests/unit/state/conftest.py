"""The state on SQLite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.state.state import State
from tests.unit.state.fixtures import clock, state, wants_tables

__all__ = ["clock", "state", "state_url", "template"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables and nothing in them; migrating is what takes long."""
    file = tmp_path_factory.mktemp("template") / "state.db"
    State(f"sqlite:///{file}", SystemClock()).upgrade()
    return file


@pytest.fixture
def state_url(tmp_path: Path, template: Path, request: pytest.FixtureRequest) -> str:
    """A file in a folder; for a test that does not ask for `state`, none of both is there."""
    file = tmp_path / "project" / "state.db"
    if wants_tables(request):
        file.parent.mkdir()
        shutil.copy(template, file)
    return f"sqlite:///{file}"
