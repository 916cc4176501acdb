"""What the tests of documents share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.project import ProjectFolder


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    """An empty project."""
    (tmp_path / "include" / "configs").mkdir(parents=True)
    return ProjectFolder(tmp_path)
