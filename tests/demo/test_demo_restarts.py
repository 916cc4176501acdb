"""The demo's sources over several starts: nothing is lost, nothing is left, whatever was killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from demo.endpoints import Endpoints, read_endpoints
from demo.folder import DemoFolder
from demo.sources import DemoSources
from finport_ingestion.engine.errors import ConfigError

ROOT = Path(__file__).parents[2]
SECONDS = 60.0  # a busy machine takes its time
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name that every user may enter; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp(prefix="finport-demo-"))
    path.chmod(0o755)
    yield path / "demo"
    shutil.rmtree(path)


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts `python -m demo.sources` in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.sources", "--folder", str(folder), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "plugins"), str(ROOT)])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        kill_group(process)
        process.communicate()


def kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    found: dict[str, Any] = json.loads(line)
    return found


def is_alive(number: int) -> bool:
    """Whether the process runs; one that only waits for its parent to ask for its exit code does not."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_of(folder: Path) -> list[str]:
    """Command lines of the living processes that name the folder or work in it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            command = " ".join(process.cmdline())
            if str(folder) in command or process.cwd().startswith(str(folder)):
                found.append(command)
    return found


def assert_nothing_left(folder: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(folder) == []


def assert_serves(endpoints: Endpoints) -> None:
    """Both servers answer, and the table is whole."""
    context = ssl.create_default_context(cafile=endpoints.ca_file)
    assert httpx.get(f"{endpoints.api_url}/v1/stocks", verify=context, trust_env=False).status_code == 401
    with psycopg.connect(
        host=endpoints.host,
        port=endpoints.database_port,
        dbname=endpoints.database_name,
        user=endpoints.database_user,
        password=endpoints.database_password,
    ) as connection:
        assert connection.execute("select count(*) from commodity_prices").fetchone() == (10_706,)


def modified(folder: Path) -> dict[str, int]:
    kept = [
        *folder.glob("prices/*"),
        *folder.glob("tls/*"),
        folder / "credentials.json",
        folder / "postgres/PG_VERSION",
    ]
    return {str(path): path.stat().st_mtime_ns for path in kept}


def test_a_second_start_gives_the_same_sources_and_makes_nothing_anew(folder: Path) -> None:
    with DemoSources(folder) as first:
        before = modified(folder)
    assert_nothing_left(folder)
    with DemoSources(folder) as second:
        assert second == first
        assert_serves(second)
    assert modified(folder) == before
    assert len(before) == 7
    assert_nothing_left(folder)


def test_secrets_are_for_the_owner_only(folder: Path) -> None:
    with DemoSources(folder):
        secret = [
            folder / name for name in ("credentials.json", "environment.json", "endpoints.json", "tls/server.key")
        ]
        assert [path.stat().st_mode & 0o777 for path in secret] == [0o600] * 4
        assert (folder / "postgres").stat().st_mode & 0o777 == 0o700


def test_a_folder_closed_to_other_users_works(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with DemoSources(folder) as endpoints:
        assert_serves(endpoints)
    assert_nothing_left(folder)


def test_the_command_serves_on_the_ports_given_until_sigterm(folder: Path, start: Start) -> None:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ports = (one.getsockname()[1], other.getsockname()[1])
    process = start("--api-port", str(ports[0]), "--postgres-port", str(ports[1]))
    line = ready(process)
    assert (line["api"], line["postgres"]) == (f"https://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
    environment = json.loads(Path(line["environment"]).read_bytes())
    assert json.loads(environment["AIRFLOW_CONN_FINPORT_DEMO_DATABASE"])["password"] not in json.dumps(line)
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    assert_nothing_left(folder)
    assert not Path(line["environment"]).exists()


def test_a_folder_that_is_served_is_joined_and_left_running(folder: Path, start: Start) -> None:
    process = start()
    line = ready(process)
    with DemoSources(folder) as joined:
        assert_serves(joined)
    assert line["api"] == joined.api_url
    assert_serves(joined)
    with pytest.raises(ConfigError, match="served already"), DemoSources(folder, api_port=1):
        pass
    second = start()
    assert second.wait(SECONDS) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    assert_nothing_left(folder)


def test_a_killed_process_group_leaves_nothing_and_the_next_start_works(folder: Path, start: Start) -> None:
    first = ready(process := start())
    kill_group(process)
    process.wait()
    again = start()
    second = ready(again)
    assert (second["api"], second["postgres"]) == (first["api"], first["postgres"])
    endpoints = read_endpoints(DemoFolder(folder))
    assert endpoints is not None
    assert_serves(endpoints)
    kill_group(again)
    again.wait()
    assert_nothing_left(folder)


def test_servers_end_when_only_their_starter_is_killed(folder: Path, start: Start) -> None:
    process = start()
    ready(process)
    process.kill()
    process.wait()
    assert_nothing_left(folder)


def test_servers_that_outlived_their_starter_are_replaced(folder: Path, start: Start) -> None:
    """PostgreSQL stopped by SIGSTOP cannot follow its starter's death, as if the kernel had not told it."""
    process = start()
    first = ready(process)
    postgres = int((folder / "postgres/postmaster.pid").read_text().splitlines()[0])
    os.kill(postgres, signal.SIGSTOP)
    process.kill()
    process.wait()
    again = start()
    assert ready(again)["postgres"] == first["postgres"]
    assert not is_alive(postgres)
    again.terminate()
    assert again.wait(SECONDS) == 0
    assert_nothing_left(folder)


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.1, 1.4])
def test_a_start_killed_at_any_moment_does_not_spoil_the_next(folder: Path, start: Start, seconds: float) -> None:
    process = start()
    time.sleep(seconds)
    kill_group(process)
    process.wait()
    with DemoSources(folder) as endpoints:
        assert_serves(endpoints)
        assert list((folder / "partial").iterdir()) == []
    assert_nothing_left(folder)


@pytest.mark.parametrize("seconds", [0.3, 0.7, 1.1])
def test_a_start_interrupted_at_any_moment_ends_in_order(folder: Path, start: Start, seconds: float) -> None:
    process = start()
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(15)
    assert_nothing_left(folder)


@pytest.mark.parametrize(
    "damage", ["postgres/global/pg_control", "postgres/PG_VERSION", "credentials.json", "tls/ca.pem"]
)
def test_a_damaged_folder_is_repaired(folder: Path, damage: str) -> None:
    with DemoSources(folder):
        pass
    (folder / damage).write_bytes(b"") if damage == "credentials.json" else (folder / damage).unlink()
    with DemoSources(folder) as endpoints:
        assert_serves(endpoints)
    assert_nothing_left(folder)


def test_a_number_of_another_program_in_postmaster_pid_is_no_obstacle(folder: Path) -> None:
    with DemoSources(folder):
        pass
    (folder / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'postgres'}\n0\n5432\n\n127.0.0.1\n\n")
    with DemoSources(folder) as endpoints:
        assert_serves(endpoints)


@pytest.mark.parametrize("option", ["--api-port", "--postgres-port"])
def test_a_port_in_use_is_named_and_nothing_stays(folder: Path, start: Start, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(option, str(port))
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"port {port}" in complaint
    assert "Traceback" not in complaint
    assert_nothing_left(folder)


def test_the_command_ends_with_an_error_when_a_server_ends_by_itself(folder: Path, start: Start) -> None:
    process = start()
    ready(process)
    os.kill(int((folder / "postgres/postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)
    _, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "PostgreSQL ended by itself" in complaint
    assert_nothing_left(folder)
