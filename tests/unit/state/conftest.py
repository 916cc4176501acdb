"""The state on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.state.parts import clock, state

__all__ = ["clock", "state", "state_url"]


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """A file in a folder that is not there yet."""
    return f"sqlite:///{tmp_path / 'project' / 'state.db'}"
