"""S3 (and the other AWS services that moto speaks) over HTTP; one server a session, one fresh bucket a test.

Conditional puts, multipart, ranges, paging, versions and object lock behave as in S3. Not to be trusted here: expired
presigned urls still answer 200, and wrong checksums are accepted.
"""

from __future__ import annotations

import http.client
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server. It takes any key pair; these are the ones that tests use."""

    endpoint_url: str
    version: str
    process: ServerProcess
    access_key: str = "finport-tests"
    secret_key: str = "finport-tests-secret"
    region: str = "eu-central-1"

    @property
    def storage_options(self) -> dict[str, Any]:
        """What `fsspec.filesystem("s3", **...)`, `UPath` and pandas take."""
        client = {"endpoint_url": self.endpoint_url, "region_name": self.region}
        return {"key": self.access_key, "secret": self.secret_key, "client_kwargs": client}

    def client(self, service: str = "s3") -> Any:
        """A boto3 client of one AWS service (boto3 has no types)."""
        return self._session().client(service, endpoint_url=self.endpoint_url)

    def create_bucket(self, *, prefix: str = "test") -> str:
        """Make an empty bucket and return its name."""
        name = f"{prefix}-{secrets.token_hex(6)}"
        place = {"LocationConstraint": self.region}
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration=place)
        return name

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket with every version of every object: the server holds them in memory."""
        bucket = self._session().resource("s3", endpoint_url=self.endpoint_url).Bucket(name)
        bucket.object_versions.delete()
        bucket.delete()

    def _session(self) -> Any:
        import boto3  # type: ignore[import-untyped]

        return boto3.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name=self.region
        )


def find() -> Found | Missing:
    """The Python package moto with its server extra."""
    try:
        package = distribution("moto")
    except PackageNotFoundError:
        return Missing(reason="the Python package moto is not installed")
    if find_spec("flask") is None:
        return Missing(reason="the Python package moto is installed without its extra [server]")
    return Found(version=package.version, how="Python package moto", path=Path(sys.executable))


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[S3Server]:
    """Run moto's server in a process of its own, on a free port."""
    port = free_port()

    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/moto-api/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    command = ServerCommand(
        arguments=[str(found.path), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        folder=workspace.folder,
        environment=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with workspace.serve("moto", command=command, probe=answers) as process:
        yield S3Server(endpoint_url=f"http://127.0.0.1:{port}", version=found.version, process=process)


SERVICE: Service[S3Server] = Service(
    name="moto",
    summary="S3 storage places",
    fixture="s3_server",
    find=find,
    install=Install(lock=("moto[server]",)),
    start=start,
)


@pytest.fixture(scope="session")
def s3_server(start_service: StartService) -> S3Server:
    """One S3 endpoint for the session."""
    return start_service(SERVICE)


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    """The name of an empty bucket that only this test uses."""
    name = s3_server.create_bucket()
    yield name
    s3_server.delete_bucket(name)
