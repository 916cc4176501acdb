"""How commands end: exit codes, messages, and what happens to a fault of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from finport_ingestion import __version__
from finport_ingestion.cli.exits import CommandGroup
from finport_ingestion.engine.errors import PermanentError
from tests.cli.project import ProjectFolder

PLUGINS = Path(__file__).parents[2] / "plugins"

_COMMANDS = "validate schema plan source ingest runs show quarantine replay clean reset db recover doctor read version"
_COMMANDS += " convert detect guess"

faulty = typer.Typer(cls=CommandGroup, pretty_exceptions_enable=False)


@faulty.command()
def divide() -> None:
    """Has a fault."""
    _ = 1 / 0


@faulty.command()
def refuse() -> None:
    """Says why it does nothing."""
    raise PermanentError("the [bold] thing is closed.", hint="open it")


def written_to(told: str) -> Path:
    """The file that a message names."""
    found = re.search(r"the traceback in (\S+)", told)
    assert found is not None
    return Path(found.group(1))


def test_an_error_of_ours_is_a_sentence_and_a_fix() -> None:
    result = CliRunner().invoke(faulty, ["refuse"])
    assert result.exit_code == 1
    assert result.stderr == "Error: the [bold] thing is closed.\nFix: open it\n"
    assert result.stdout == ""


def test_a_fault_says_where_its_traceback_is() -> None:
    result = CliRunner().invoke(faulty, ["divide"])
    assert result.exit_code == 3
    assert "a fault in finport: ZeroDivisionError: division by zero" in result.stderr
    assert "Traceback" not in result.stderr
    file = written_to(result.stderr)
    assert "_ = 1 / 0" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    file.unlink()


def test_a_developer_sees_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINPORT_DEBUG", "1")
    told = CliRunner().invoke(faulty, ["divide"]).stderr
    assert "_ = 1 / 0" in told
    written_to(told).unlink()


@pytest.mark.parametrize("arguments", [["ingest"], ["runs", "--limit", "none"], ["rnus"], ["show", "a", "--sideways"]])
def test_wrong_usage_is_told_apart(project: ProjectFolder, arguments: list[str]) -> None:
    assert "Usage:" in project.refused(*arguments, code=2)


def test_a_missing_state_database_says_how_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ProjectFolder(tmp_path)
    folder.write_documents()
    monkeypatch.chdir(tmp_path)
    for arguments in (["runs"], ["ingest", "prices"], ["db", "check"], ["source", "list"], ["recover"]):
        assert "Fix: run 'finport db upgrade'" in folder.refused(*arguments)


def test_the_version_is_printed(project: ProjectFolder) -> None:
    assert project.done("version").startswith(f"finport {__version__} ")


def run_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "finport_ingestion.cli", *arguments]
    environment = {"PYTHONPATH": str(PLUGINS), "HOME": str(cwd), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_real_process_gives_the_codes_to_its_shell(ready: ProjectFolder) -> None:
    good = run_process("validate", cwd=ready.folder)
    assert (good.returncode, good.stderr) == (0, "")
    bad = run_process("show", "nothing", cwd=ready.folder)
    assert bad.returncode == 1
    assert bad.stderr.startswith("Error: no run is called 'nothing'.\nFix: ")
    wrong = run_process("validat", cwd=ready.folder)
    assert wrong.returncode == 2
    assert "validate" in wrong.stderr


def test_help_names_every_command_and_the_exit_codes(project: ProjectFolder) -> None:
    told = run_process("--help", cwd=project.folder).stdout
    for command in _COMMANDS.split():
        assert f" {command} " in told
    assert "Exit codes" in told


def test_starting_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = "airflow pyarrow pandas duckdb sqlalchemy pydantic upath fsspec yaml httpx great_expectations rich.console"
    code = (
        f"import sys, finport_ingestion.cli.entry\nprint([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PLUGINS, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_that_goes_away_is_no_fault(project: ProjectFolder) -> None:
    command = f"{sys.executable} -m finport_ingestion.cli plan | true"
    environment = {"PYTHONPATH": str(PLUGINS), "HOME": str(project.folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=project.folder, env=environment, capture_output=True, text=True
    )
    assert "fault" not in done.stderr
