"""S3 as versitygw speaks it, over TLS: unlike moto it checks signatures, expiry of presigned urls and checksums.

One server a session, one fresh bucket a test. Its objects are files; versions lie beside them.
"""

from __future__ import annotations

import secrets
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.builders import find_built, go_program
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

VERSION = "1.8.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versitygw:
    """A running server and the key pair of its only account, which may do everything."""

    endpoint_url: str
    port: int
    ca_path: Path
    data_folder: Path  # an object is a file: <bucket>/<key>
    process: ServerProcess
    access_key: str = "finport-tests"
    secret_key: str = PLANTED_SECRET
    region: str = "us-east-1"

    def client(self) -> Any:
        """A boto3 client (boto3 has no types), to write what tests read."""
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            verify=str(self.ca_path),
            # With checksums that nobody asked for, boto3 sends chunks, whose encoding versitygw keeps for the object.
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
            ),
        )


def _make(folder: Path) -> None:
    go_program(folder, f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}")


BUILD = Build(version=VERSION, make=_make)


def find() -> Found | Missing:
    """The program that was built."""
    return find_built("versitygw", BUILD, file="versitygw")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[Versitygw]:
    """Run it on a free port, over TLS, with its data in the workspace."""
    port, certificate = free_port(), workspace.ca.issue("versitygw")
    folders = {name: workspace.folder / name for name in ("data", "versions", "iam")}
    for folder in folders.values():
        folder.mkdir()
    endpoint = f"https://127.0.0.1:{port}"
    server = ["--port", f"127.0.0.1:{port}", "--quiet", "--health", "/health", "--iam-dir", str(folders["iam"])]
    tls = ["--cert", str(certificate.certificate_path), "--key", str(certificate.key_path)]
    backend = ["posix", "--versioning-dir", str(folders["versions"]), str(folders["data"])]
    environment = {"ROOT_ACCESS_KEY": "finport-tests", "ROOT_SECRET_KEY": PLANTED_SECRET}
    command = ServerCommand(
        arguments=[str(found.path), *server, *tls, *backend], folder=workspace.folder, environment=environment
    )
    context = ssl.create_default_context(cafile=workspace.ca.ca_path)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{endpoint}/health", timeout=5, context=context) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    with workspace.serve("versitygw", command=command, probe=answers) as process:
        yield Versitygw(
            endpoint_url=endpoint,
            port=port,
            ca_path=workspace.ca.ca_path,
            data_folder=folders["data"],
            process=process,
        )


SERVICE: Service[Versitygw] = Service(
    name="versitygw",
    summary="S3 sources: signatures, checksums, TLS",
    fixture="versitygw",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def versitygw(start_service: StartService) -> Versitygw:
    """One versitygw for the session."""
    return start_service(SERVICE)


@pytest.fixture
def versitygw_bucket(versitygw: Versitygw) -> Iterator[str]:
    """The name of a bucket that only this test uses; emptied and deleted afterwards, if it is still there."""
    client, name = versitygw.client(), f"test-{secrets.token_hex(6)}"
    client.create_bucket(Bucket=name)
    yield name
    if name in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                client.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])
        client.delete_bucket(Bucket=name)
