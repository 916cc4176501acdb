"""A server process is started, watched and stopped, however badly it behaves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.services.certificates import PrivateCa
from tests.services.process import ServerCommand, ServerError, ServerProcess, free_port, serve


def test_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"(?s)ended with exit code 3 before it answered.*no licence"):
        _use(tmp_path, "import sys; print('no licence'); sys.exit(3)", probe=lambda: False)


def test_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    with _nothing_left(), pytest.raises(ServerError, match=r"did not answer within 0\.5 s"):
        _use(tmp_path, "import time; time.sleep(600)", probe=lambda: False, ready_seconds=0.5)


def test_server_that_ignores_sigterm_is_killed_and_reported(tmp_path: Path) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ANSWER}"
    with _nothing_left(), pytest.raises(ServerError, match="did not stop on SIGTERM, and was killed"):
        _use(tmp_path, deaf, probe=_answers(tmp_path))


def test_server_that_leaves_a_child_is_reported_and_the_child_ended(tmp_path: Path) -> None:
    parent = f"import subprocess; subprocess.Popen(['sleep', '600']); {ANSWER}"
    with _nothing_left(), pytest.raises(ServerError, match=r"left processes behind, now killed: \[\d+\]"):
        _use(tmp_path, parent, probe=_answers(tmp_path))


def test_server_that_dies_while_it_is_used_is_reported(tmp_path: Path) -> None:
    def kill(process: ServerProcess) -> None:
        os.kill(process.pid, signal.SIGKILL)
        # Wait without taking the exit code away from its owner.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    with pytest.raises(ServerError, match="ended by itself with exit code -9"):
        _use(tmp_path, ANSWER, probe=_answers(tmp_path), use=kill)


def test_server_that_a_test_stopped_is_stopped_once(tmp_path: Path) -> None:
    with _nothing_left():
        _use(tmp_path, ANSWER, probe=_answers(tmp_path), use=ServerProcess.stop)
        _use(tmp_path, ANSWER, probe=_answers(tmp_path), use=ServerProcess.kill)


def test_private_keys_are_closed_to_others(private_ca: PrivateCa) -> None:
    assert private_ca.issue("kept").key_path.stat().st_mode & 0o077 == 0


def test_free_ports_are_not_handed_out_by_the_kernel() -> None:
    assert all(12_000 <= free_port() < 31_000 for _ in range(20))


ANSWER = "import time; print('up', flush=True); time.sleep(600)"


def _answers(folder: Path) -> Callable[[], bool]:
    return lambda: "up" in (folder / "server.log").read_text()


@contextmanager
def _nothing_left() -> Iterator[None]:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def _use(
    folder: Path,
    code: str,
    *,
    probe: Callable[[], bool],
    use: Callable[[ServerProcess], None] = lambda process: None,
    ready_seconds: float = 30,
) -> None:
    command = ServerCommand(
        arguments=[sys.executable, "-c", code], folder=folder, ready_seconds=ready_seconds, stop_seconds=0.5
    )
    with serve("server", command=command, probe=probe, log_path=folder / "server.log") as process:
        use(process)
