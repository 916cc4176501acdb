"""Commands in the pages are commands that there are."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from finport_ingestion.cli.entry import app
from tests.docs.pages import ALL, ROOT, WRITTEN, inline_code, shell_lines

_ROOT: Any = typer.main.get_command(app)
_TYPED = sorted({line for page in WRITTEN for line in shell_lines(page) if line.startswith("finport ")})
_NAMED = sorted({code for page in ALL for code in inline_code(page) if code.startswith("finport ")} - {"finport "})


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words call, and the words that are left for it."""
    command, left = _ROOT, words[1:]
    while inner := getattr(command, "commands", None):
        if not left:
            return command, left
        command, left = inner[left[0]], left[1:]
    return command, left


@pytest.mark.parametrize("line", _TYPED)
def test_a_typed_command_is_understood(line: str) -> None:
    command, arguments = command_of(shlex.split(line, comments=True))
    assert not getattr(command, "commands", None), "a group of commands does nothing by itself"
    command.make_context("finport", arguments)


@pytest.mark.parametrize("code", _NAMED)
def test_a_named_command_is_there(code: str) -> None:
    words = shlex.split(code)
    if words[1].isupper() or words[1] == "...":
        return
    command, left = command_of([word for word in words if "|" not in word])
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {word for word in left if word.startswith("-")} <= known


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate"],
        ["validate", "--json"],
        ["plan", "base-standard-ingestion-workflow"],
        ["plan", "--json"],
        ["--help"],
        ["version"],
    ],
)
def test_a_command_that_needs_nothing_works_in_the_project(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output


def test_schemas_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["schema", "--out", str(tmp_path / "schemas")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "schemas" / "json" / "source.schema.json").is_file()
