"""Processes that hide from whoever wants to end them: renamed, orphaned, deaf to SIGTERM."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.components import MARKER, RECORD, Component, Components
from demo.folder import DemoFolder
from demo.local import LocalAirflow
from finport_ingestion.engine.errors import ConfigError, SourceUnavailable
from tests.e2e.system import wait_until

pytestmark = pytest.mark.timeout(60)

SLEEP = "import time; time.sleep(60)"
RENAMED = f"import setproctitle; setproctitle.setproctitle('airflow something'); {SLEEP}"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def folder(tmp_path: Path) -> DemoFolder:
    folder = DemoFolder(tmp_path / "local")
    folder.prepare()
    return folder


@pytest.fixture
def components(folder: DemoFolder) -> Iterator[Components]:
    components = Components(folder)
    yield components
    components.clear()


def program(name: str, code: str) -> Component:
    """A Python program."""
    return Component(name=name, command=(sys.executable, "-c", code), environment=dict(os.environ))


def alive(number: int) -> bool:
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def children_of(number: int) -> list[int]:
    return [child.pid for child in psutil.Process(number).children(recursive=True)]


def test_stop_ends_a_component_and_forgets_it(components: Components, folder: DemoFolder) -> None:
    started = components.start(program("sleeper", SLEEP))
    kept = components.start(program("other", SLEEP))
    components.stop(["sleeper"], seconds=5)
    assert not alive(started.process_id)
    assert alive(kept.process_id)
    assert [one.name for one in Components(folder).recorded()] == ["other"]


def test_another_process_finds_and_stops_what_this_one_started(components: Components, folder: DemoFolder) -> None:
    started = components.start(program("sleeper", SLEEP))
    Components(folder).stop(["sleeper"], seconds=5)
    assert not alive(started.process_id)


def test_a_renamed_orphan_in_the_session_of_a_killed_component_is_ended(components: Components) -> None:
    started = components.start(
        program("parent", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {RENAMED!r}])")
    )
    orphan = wait_until(lambda: children_of(started.process_id), what="the child", seconds=10)[0]
    wait_until(lambda: "airflow something" in " ".join(psutil.Process(orphan).cmdline()), what="its name", seconds=10)
    psutil.Process(started.process_id).kill()
    wait_until(components.ended, what="the parent's end", seconds=10)
    components.stop(["parent"], seconds=5)
    assert not alive(orphan)


def test_a_process_that_ignores_sigterm_is_killed(components: Components) -> None:
    started = components.start(program("deaf", DEAF))
    time.sleep(0.5)
    components.stop(["deaf"], seconds=1)
    assert not alive(started.process_id)


def test_clear_ends_what_works_in_the_folder_even_when_the_folder_was_removed(
    components: Components, folder: DemoFolder
) -> None:
    started = components.start(program("renamed", RENAMED))
    wait_until(
        lambda: " ".join(psutil.Process(started.process_id).cmdline()).startswith("airflow something"),
        what="its name",
        seconds=10,
    )
    shutil.rmtree(folder.path)
    again = Components(folder)
    assert again.recorded() == []
    again.clear()
    assert not alive(started.process_id)


def test_a_program_that_got_the_number_of_an_ended_component_is_left_alone(
    components: Components, folder: DemoFolder
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    try:
        row = {"name": "old", "process_id": stranger.pid, "started_at": time.time() - 3600}
        folder.write(RECORD, json.dumps([row]).encode())
        assert components.ended() == ["old"]
        components.stop(["old"], seconds=1)
        components.clear()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_component_that_ends_while_it_is_waited_for_shows_its_log(components: Components) -> None:
    components.start(program("broken", "print('the reason'); raise SystemExit(3)"))
    with pytest.raises(SourceUnavailable, match="broken ended by itself") as raised:
        components.wait_for(lambda: False, what="nothing", seconds=10)
    assert "the reason" in str(raised.value)


def test_components_know_the_folder_they_belong_to(components: Components, folder: DemoFolder) -> None:
    started = components.start(program("sleeper", SLEEP))
    assert psutil.Process(started.process_id).environ()[MARKER] == str(folder.path)
    assert psutil.Process(started.process_id).cwd() == str(folder.path / "work")


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of 127.0.0.1 is taken") as raised:
            LocalAirflow(tmp_path / "local").start(port)
    assert "FINPORT_PORT" in str(raised.value)
    assert not (tmp_path / "local" / RECORD).exists()


def test_stop_without_a_start_says_that_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    LocalAirflow(tmp_path / "local").stop()
    assert capsys.readouterr().out == "Nothing runs.\n"
