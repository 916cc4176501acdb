"""`python -m tests.services`: what is there costs nothing, what is missing is installed or named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.install import InstallError, install
from tests.services.service import Build, Found, Install, Missing, Service, Workspace, built_folder, cache_folder

ROOT = Path(__file__).parents[2]


def _built_service(build: Build) -> Service[Path]:
    """A service whose server is built into the cache, as those in Go or Java are."""

    def find() -> Found | Missing:
        program = built_folder("echo", build) / "echo"
        return Found(version=build.version, how="cache", path=program) if program.is_file() else Missing(reason="new")

    @contextmanager
    def start(_workspace: Workspace, found: Found) -> Iterator[Path]:
        yield found.path

    how = Install(build=build)
    return Service(name="echo", summary="", fixture="echo", find=find, install=how, start=start)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def test_build_is_made_once_and_found_in_the_cache(cache: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "echo").write_text("#!/bin/sh\n")

    service = _built_service(Build(version="1.2", make=make))
    assert install([service]) == ["echo"]
    assert install([service]) == []
    assert len(made) == 1
    assert (cache / "echo-1.2" / "echo").is_file()


def test_interrupted_build_is_not_found(cache: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "echo").write_text("half")
        raise KeyboardInterrupt

    service = _built_service(Build(version="1.2", make=make))
    with pytest.raises(KeyboardInterrupt):
        install([service])
    assert isinstance(service.find(), Missing)
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_build_that_makes_nothing_of_use_is_named(cache: Path) -> None:
    service = _built_service(Build(version="1.2", make=lambda folder: None))
    with pytest.raises(InstallError, match=rf"still missing: echo: .*built into {cache}/echo-1\.2"):
        install([service])
    repaired = _built_service(Build(version="1.2", make=lambda folder: (folder / "echo").touch()))
    assert install([repaired]) == ["echo"]


def test_install_says_what_to_install_where_it_cannot(tmp_path: Path) -> None:
    finished = _command("install", "redis", environment={"PATH": "", "XDG_CACHE_HOME": str(tmp_path)})
    assert finished.returncode == 1
    assert "no apt-get; install these packages and try again: redis-server" in finished.stderr


def test_list_names_what_is_missing_and_how_to_get_it() -> None:
    finished = _command("list", environment={"PATH": ""})
    assert finished.returncode == 0
    lines = {line.split()[0]: line for line in finished.stdout.splitlines()}
    assert "missing" in lines["redis"]
    assert "apt: redis-server" in lines["redis"]
    assert "found" in lines["web"]


def test_install_of_what_is_there_changes_nothing(tmp_path: Path) -> None:
    finished = _command("install", "web", "moto", environment={"PATH": "", "XDG_CACHE_HOME": str(tmp_path)})
    assert (finished.returncode, finished.stdout) == (0, "services: everything is there\n")
    assert list(tmp_path.iterdir()) == []


def test_unknown_name_is_refused() -> None:
    finished = _command("install", "oracle", environment={})
    assert finished.returncode == 2
    assert "no service 'oracle'" in finished.stderr


def _command(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.services", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
