"""What import-linter does not see: names, sizes, and what importing costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "finport_ingestion"
MODULES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN_STEMS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "base"}
HARD_LIMIT_LINES = 500


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_named_like_the_standard_library_or_like_nothing(module: Path) -> None:
    # Airflow executes plugins by their file's stem: a `csv.py` would stand in for the real one.
    name = module.parent.name if module.name == "__init__.py" else module.stem
    assert name not in sys.stdlib_module_names - {"__main__"} or name == "config"
    assert name not in FORBIDDEN_STEMS


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_and_is_one_idea_long(module: Path) -> None:
    text = module.read_text()
    assert text.startswith('"""'), "a module begins with a docstring"
    if "migrations" not in module.parts:
        assert text.count("\n") <= HARD_LIMIT_LINES


def test_a_run_from_the_command_line_imports_no_airflow() -> None:
    code = (
        "import sys\n"
        "from finport_ingestion.cli import entry\n"
        "from finport_ingestion.engine.workflow import driver, services, lifecycle\n"
        "from finport_ingestion.engine.workflow.registry import ACTIONS\n"
        "for name in ACTIONS: ACTIONS.get(name)\n"
        "sys.exit('airflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "plugins", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_parsing_documents_imports_no_heavy_client() -> None:
    heavy = "pandas great_expectations duckdb httpx polars redis alembic pyarrow.parquet"
    code = (
        "import sys\n"
        "from finport_ingestion.engine.workflow import compile, registry\n"
        "from finport_ingestion.engine.config import catalog\n"
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "plugins", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_plugins_folder_hides_the_package_from_airflows_file_search() -> None:
    assert "finport_ingestion/**" in (ROOT / "plugins" / ".airflowignore").read_text().splitlines()


def test_the_lock_names_no_package_index() -> None:
    lock = (ROOT / "requirements.lock.txt").read_text()
    assert not re.search(r"https?://|--index-url|--find-links|--extra-index-url", lock)
