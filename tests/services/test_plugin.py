"""What a test run says about its servers, and what it leaves when it is interrupted: seen in runs of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.services.plugin import CLIENT_CA_VARIABLES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def temporary_folder() -> Iterator[Path]:
    """A TMPDIR that another user may enter, as /tmp is and pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="finport-run-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_client_certificate_variables_are_dropped() -> None:
    assert not [name for name in CLIENT_CA_VARIABLES if name in os.environ]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel stops orphans on Linux only")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_no_server(tmp_path: Path, temporary_folder: Path, how: signal.Signals) -> None:
    _write_test(
        tmp_path,
        """
        import time
        from pathlib import Path

        def test_it(postgresql):
            written = Path(__file__).with_name("pid.part")
            written.write_text(str(postgresql.process.pid))
            written.rename(written.with_name("pid"))
            time.sleep(600)
        """,
    )
    environment = os.environ | {"TMPDIR": str(temporary_folder)}
    run = subprocess.Popen(_pytest(tmp_path), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for((tmp_path / "pid").exists, seconds=60)
        server = psutil.Process(int((tmp_path / "pid").read_text()))
        processes = [server, *server.children(recursive=True)]
        run.send_signal(how)
        run.wait(30)
    finally:
        run.kill()
        run.wait()
    assert len(processes) > 1
    _wait_for(lambda: not [process for process in processes if _lives(process)], seconds=20)
    if how is not signal.SIGKILL:
        assert list(temporary_folder.glob("finport-*")) == []


MISSING = """
def test_first(redis_server): ...
def test_second(redis_url): ...
def test_third(web_server): ...
"""


def test_server_that_cannot_be_had_is_a_skip_with_its_reason(tmp_path: Path) -> None:
    _write_test(tmp_path, MISSING)
    finished = _finish(tmp_path, environment={"PATH": "", "CI": ""})
    assert finished.returncode == 0
    assert "1 passed, 2 skipped" in finished.stdout
    assert "redis cannot be had: redis-server is not on PATH" in finished.stdout
    assert "redis: not exercised (redis-server is not on PATH; `python -m tests.services install" in finished.stdout


def test_server_that_cannot_be_had_is_a_failure_in_ci(tmp_path: Path) -> None:
    _write_test(tmp_path, MISSING)
    finished = _finish(tmp_path, environment={"PATH": "", "CI": "true"})
    assert finished.returncode == 1
    assert "1 passed, 2 errors" in finished.stdout
    assert "redis cannot be had: redis-server is not on PATH" in finished.stdout


def test_failed_test_shows_the_log_of_its_server(tmp_path: Path) -> None:
    _write_test(
        tmp_path,
        """
        def test_it(request):
            with request.getfixturevalue("postgresql").connect() as connection:
                connection.execute("select nothing from nowhere")
        """,
    )
    finished = _finish(tmp_path, environment={})
    assert "log of postgresql (whole: " in finished.stdout
    assert 'relation "nowhere" does not exist' in finished.stdout.split("log of postgresql")[1]
    assert "nowhere" in (tmp_path / ".pytest_cache/d/services/postgresql-main.log").read_text()


def test_workers_of_xdist_are_added_up(tmp_path: Path) -> None:
    tests = "\n".join(f"def test_{number}(web_server): time.sleep(0.05)" for number in range(6))
    _write_test(tmp_path, f"import time\n{tests}\ndef test_none(): ...")
    finished = _finish(tmp_path, "-n", "2", environment={})
    assert finished.returncode == 0, finished.stdout
    [line] = [line for line in finished.stdout.splitlines() if line.startswith("web ")]
    assert line.split()[2] == "6"
    assert "moto: not exercised (no test of this run asked for it)" in finished.stdout


def test_run_without_servers_prints_no_table(tmp_path: Path) -> None:
    _write_test(tmp_path, "def test_none(): ...")
    assert "real servers" not in _finish(tmp_path, environment={}).stdout


def _write_test(folder: Path, code: str) -> None:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p tests.services.plugin\n")
    (folder / "test_inner.py").write_text(textwrap.dedent(code))


def _pytest(folder: Path, *arguments: str) -> list[str]:
    ini = ["-ra", f"--rootdir={folder}", "-c", str(folder / "pytest.ini")]
    return [sys.executable, "-m", "pytest", *ini, *arguments, str(folder)]


def _finish(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        _pytest(folder, *arguments),
        cwd=ROOT,
        env=inherited | {"COLUMNS": "250"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
