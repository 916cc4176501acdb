"""What the README and the how-to of sources tell people to type, typed: a source is added, looked at and ingested."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import ProjectFolder
from tests.docs.pages import DOCS, ROOT, shell_lines
from tests.services.process import free_port

_START_SECONDS = 60
_ADDRESS, _AUTHORITY = "127.0.0.1:8765", ".airflow/open-api/tls/ca.pem"


@pytest.fixture(scope="module")
def open_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The API that the README starts, on a free port: the port, and the folder with its certificate."""
    folder, port = tmp_path_factory.mktemp("open-api"), free_port()
    command = [sys.executable, "-m", "demo.open_api", "--port", str(port), "--folder", str(folder)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            assert select.select([process.stdout], [], [], _START_SECONDS)[0]
            assert b"answers until Ctrl-C" in process.stdout.readline()
            yield port, folder
        finally:
            process.terminate()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """The shipped documents in a folder of their own, which is the current one."""
    shutil.copytree(ROOT / "include", tmp_path / "include")
    for name in ("AIRFLOW_HOME", "AIRFLOW__FINPORT__PLACES", "AIRFLOW_CONN_FINPORT_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return ProjectFolder(tmp_path)


def _typed(page: Path) -> list[list[str]]:
    lines = [shlex.split(line, comments=True) for line in shell_lines(page)]
    return [line[1:] for line in lines if line[:1] == ["finport"]]


def _five_minutes() -> list[list[str]]:
    """The commands of the README's section, in its order."""
    lines = _typed(ROOT / "README.md")
    first = next(number for number, line in enumerate(lines) if line[:2] == ["source", "add"])
    last = next(number for number, line in enumerate(lines) if number > first and line[0] == "read")
    return lines[first : last + 1]


def test_a_newcomer_adds_a_source_and_ingests_it(open_api: tuple[int, Path], project: ProjectFolder) -> None:
    port, folder = open_api
    here = {_AUTHORITY: str(folder / "tls/ca.pem")}
    commands = _five_minutes()
    assert [" ".join(line[:2]) for line in commands[:3]] == ["source add", "source check", "source sample"]
    for line in commands:
        project.done(*(here.get(word, word).replace(_ADDRESS, f"127.0.0.1:{port}") for word in line))
    assert len(project.json("read", "open-prices", "--limit", "20")) == 20
    document = (project.folder / "include/configs/sources/open-prices.yaml").read_text()
    assert "pagination: {style: page" in document


def test_the_how_to_lists_what_ships(project: ProjectFolder) -> None:
    lists = [line for line in _typed(DOCS / "how-to" / "sources.md") if line[1:2] == ["list"]]
    project.done("db", "upgrade")
    assert len(lists) == 2
    for line in lists:
        assert "ecb-exchange-rates" in project.done(*line)


def test_the_how_to_names_sources_that_ship(project: ProjectFolder) -> None:
    looks = [
        line for line in _typed(DOCS / "how-to" / "sources.md") if line[1:2] in (["check"], ["discover"], ["sample"])
    ]
    known = {row["source"] for row in _listed(project)}
    assert {line[2] for line in looks if len(line) > 2 and line[2] != "--all"} <= known


def _listed(project: ProjectFolder) -> list[dict[str, str]]:
    project.done("db", "upgrade")
    rows: list[dict[str, str]] = project.json("source", "list")
    return rows
