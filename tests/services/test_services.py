"""Each real server starts, serves a real client, and leaves nothing behind, also when the run is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import s3fs  # type: ignore[import-untyped]
import sqlalchemy
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services import postgresql as postgresql_service
from tests.services.certificates import PrivateCa
from tests.services.plugin import CLIENT_CA_VARIABLES, StartService
from tests.services.postgresql import PostgresqlServer
from tests.services.process import ServerCommand, ServerError, free_port
from tests.services.redis_server import RedisServer
from tests.services.registry import MODULES, UnknownServiceError, load_service, load_services
from tests.services.s3_server import S3Server
from tests.services.service import Found, Workspace, open_workspace

ROOT = Path(__file__).parents[2]


def test_postgresql_gives_each_test_a_database_of_its_own(
    postgresql: PostgresqlServer, postgresql_database: str
) -> None:
    engine = sqlalchemy.create_engine(postgresql_database)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table price (isin text primary key, close numeric(18, 6))")
        connection.exec_driver_sql("insert into price values ('US0378331005', 189.98)")
        name = connection.exec_driver_sql("select current_database()").scalar_one()
    engine.dispose()
    copy = postgresql.create_database(template=name)
    with postgresql.connect(copy) as connection:
        assert connection.execute("select isin, close::text from price").fetchall() == [("US0378331005", "189.980000")]
    postgresql.drop_database(copy)


@pytest.mark.parametrize("found", postgresql_service.find_all(), ids=lambda found: found.how)
def test_every_postgresql_of_this_machine_works(found: Found, private_ca: PrivateCa) -> None:
    with (
        open_workspace("postgresql", ca=private_ca) as workspace,
        postgresql_service.start(workspace, found) as server,
        server.connect() as connection,
    ):
        assert connection.execute("show server_version").fetchall()[0][0].startswith(found.version)
        assert connection.execute("show wal_level").fetchall() == [("logical",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_postgresql_wheel_in_a_folder_closed_to_other_users_is_copied(private_ca: PrivateCa, tmp_path: Path) -> None:
    found = list(postgresql_service.find_all())[-1]
    package = found.path.parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.with_name(name))
    hidden = Found(version=found.version, how="hidden", path=closed / found.path.relative_to(package.parent))
    with (
        open_workspace("postgresql", ca=private_ca) as workspace,
        postgresql_service.start(workspace, hidden) as server,
    ):
        assert Path(psutil.Process(server.process.pid).exe()).is_relative_to(workspace.folder)


def test_redis_keeps_a_stream(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.xadd("finport.events", {"id": "1", "type": "step.finished"})
        [(_, fields)] = client.xrange("finport.events")
    assert fields == {b"id": b"1", b"type": b"step.finished"}


def test_redis_refuses_a_wrong_password(redis_server: RedisServer) -> None:
    with (
        redis.Redis(port=redis_server.port, password="wrong", retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_s3_refuses_to_create_an_object_that_exists(s3_server: S3Server, s3_bucket: str) -> None:
    client = s3_server.client()
    client.put_object(Bucket=s3_bucket, Key="_snapshots/1.json", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=s3_bucket, Key="_snapshots/1.json", Body=b"second", IfNoneMatch="*")
    assert client.get_object(Bucket=s3_bucket, Key="_snapshots/1.json")["Body"].read() == b"first"


def test_s3_is_a_file_system_with_the_storage_options(s3_server: S3Server, s3_bucket: str) -> None:
    files = s3fs.S3FileSystem(**s3_server.storage_options, skip_instance_cache=True)
    files.pipe(f"{s3_bucket}/landing/prices.csv", b"isin,close\n")
    assert files.ls(f"{s3_bucket}/landing", refresh=True) == [f"{s3_bucket}/landing/prices.csv"]
    with pytest.raises(FileExistsError):
        files.pipe_file(f"{s3_bucket}/landing/prices.csv", b"other", mode="create")


def test_buckets_of_other_tests_are_gone(s3_server: S3Server) -> None:
    assert s3_server.client().list_buckets()["Buckets"] == []


@pytest.mark.parametrize("name", MODULES)
def test_service_leaves_no_process_and_no_folder_behind(name: str, private_ca: PrivateCa) -> None:
    service = load_service(name)
    found = service.find()
    if not isinstance(found, Found):
        pytest.skip(found.reason)
    before = set(psutil.Process().children(recursive=True))
    with open_workspace(name, ca=private_ca) as workspace, service.start(workspace, found):
        running = set(psutil.Process().children(recursive=True)) - before
        assert {process.pid for process in workspace.processes} <= {process.pid for process in running}
    assert not [process for process in running if process.is_running()]
    assert not workspace.folder.exists()


def test_fixtures_named_in_the_registry_exist(request: pytest.FixtureRequest) -> None:
    for service in load_services():
        assert service.summary
        assert callable(getattr(sys.modules[MODULES[service.name]], service.fixture))


def test_unknown_service_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownServiceError, match=r"no service 'oracle'; there are: postgresql, redis"):
        load_service("oracle")


def test_server_that_ends_at_once_shows_its_log(private_ca: PrivateCa) -> None:
    with (
        open_workspace("broken", ca=private_ca) as workspace,
        pytest.raises(ServerError, match=r"(?s)exit code 3 before it answered.*no licence"),
    ):
        _run(workspace, "import sys; print('no licence'); sys.exit(3)", probe=lambda: False)


def test_server_that_never_answers_is_stopped(private_ca: PrivateCa) -> None:
    with (
        _nothing_left(),
        open_workspace("silent", ca=private_ca) as workspace,
        pytest.raises(ServerError, match=r"did not answer within 0\.5 s"),
    ):
        _run(workspace, "import time; time.sleep(600)", probe=lambda: False)


def test_server_that_ignores_sigterm_is_killed_and_reported(private_ca: PrivateCa) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    with _nothing_left(), open_workspace("deaf", ca=private_ca) as workspace:
        log = workspace.folder / "server.log"
        with pytest.raises(ServerError, match="did not stop on SIGTERM, and was killed"):
            _run(workspace, deaf, probe=lambda: "up" in log.read_text())


def test_server_that_dies_during_the_tests_is_reported(own_service: StartService) -> None:
    server = own_service(postgresql_service.SERVICE)
    server.process.kill()
    server.process.stop()
    assert not psutil.pid_exists(server.process.pid)


def test_client_certificate_variables_are_dropped() -> None:
    assert not [name for name in CLIENT_CA_VARIABLES if name in os.environ]


def test_private_keys_are_closed_to_others(private_ca: PrivateCa) -> None:
    assert private_ca.issue("kept").key_path.stat().st_mode & 0o077 == 0


def test_free_ports_are_not_handed_out_by_the_kernel() -> None:
    assert all(12_000 <= free_port() < 31_000 for _ in range(20))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel stops orphans on Linux only")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_no_server(tmp_path: Path, how: signal.Signals) -> None:
    _write_test(
        tmp_path,
        """
        import time
        from pathlib import Path

        def test_it(postgresql, s3_server):
            pids = (postgresql.process.pid, s3_server.process.pid)
            Path(__file__).with_name("pids.part").write_text(" ".join(map(str, pids)))
            Path(__file__).with_name("pids.part").rename(Path(__file__).with_name("pids"))
            time.sleep(600)
        """,
    )
    run = subprocess.Popen(_pytest(tmp_path), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for((tmp_path / "pids").exists, seconds=60)
        servers = [psutil.Process(int(pid)) for pid in (tmp_path / "pids").read_text().split()]
        servers += [child for server in servers for child in server.children(recursive=True)]
        run.send_signal(how)
        run.wait(30)
    finally:
        run.kill()
    assert len(servers) > 2
    _wait_for(lambda: not [server for server in servers if _lives(server)], seconds=20)


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


@contextmanager
def _nothing_left() -> Iterator[None]:
    before = {process.pid for process in psutil.Process().children()}
    yield
    assert {process.pid for process in psutil.Process().children()} == before


def _run(workspace: Workspace, code: str, *, probe: Callable[[], bool]) -> None:
    command = ServerCommand(
        arguments=[sys.executable, "-c", code], folder=workspace.folder, ready_seconds=0.5, stop_seconds=0.5
    )
    with workspace.serve("server", command=command, probe=probe):
        pass


def _write_test(folder: Path, code: str) -> None:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p tests.services.plugin\n")
    (folder / "test_inner.py").write_text(textwrap.dedent(code))


def _pytest(folder: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pytest",
        "-ra",
        f"--rootdir={folder}",
        "-c",
        str(folder / "pytest.ini"),
        *arguments,
        str(folder),
    ]


def _finish(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
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
