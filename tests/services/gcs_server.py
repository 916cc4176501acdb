"""Google Cloud Storage as fake-gcs-server speaks it, over TLS and in memory; one fresh bucket a test.

It checks no credentials: what a wrong token does is not to be learnt here.
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

from tests.services.builders import find_built, go_program
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

VERSION = "1.56.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsServer:
    """A running server."""

    endpoint_url: str
    port: int
    ca_path: Path
    process: ServerProcess

    def client(self) -> Any:
        """A client of Google's own SDK, to write what tests read."""
        import google.auth.credentials
        import requests
        from google.cloud import storage  # type: ignore[import-untyped]

        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.ca_path)
        return storage.Client(
            project="finport-tests",
            credentials=google.auth.credentials.AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.endpoint_url},
            _http=session,
        )


def _make(folder: Path) -> None:
    go_program(folder, f"github.com/fsouza/fake-gcs-server@v{VERSION}")


BUILD = Build(version=VERSION, make=_make)


def find() -> Found | Missing:
    """The program that was built."""
    return find_built("gcs", BUILD, file="fake-gcs-server")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[GcsServer]:
    """Run it on a free port, over TLS."""
    port, certificate = free_port(), workspace.ca.issue("gcs")
    endpoint = f"https://127.0.0.1:{port}"
    server = ["-backend", "memory", "-scheme", "https", "-host", "127.0.0.1", "-port", str(port)]
    tls = ["-cert-location", str(certificate.certificate_path), "-private-key-location", str(certificate.key_path)]
    names = ["-external-url", endpoint, "-public-host", f"127.0.0.1:{port}"]
    command = ServerCommand(arguments=[str(found.path), *server, *tls, *names], folder=workspace.folder, environment={})
    context = ssl.create_default_context(cafile=workspace.ca.ca_path)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{endpoint}/_internal/healthcheck", timeout=5, context=context) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    with workspace.serve("gcs", command=command, probe=answers) as process:
        yield GcsServer(endpoint_url=endpoint, port=port, ca_path=workspace.ca.ca_path, process=process)


SERVICE: Service[GcsServer] = Service(
    name="gcs",
    summary="Google Cloud Storage sources",
    fixture="gcs_server",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def gcs_server(start_service: StartService) -> GcsServer:
    """One server for the session."""
    return start_service(SERVICE)


@pytest.fixture
def gcs_bucket(gcs_server: GcsServer) -> str:
    """The name of a bucket that only this test uses; it lies in memory."""
    name = f"test-{secrets.token_hex(6)}"
    gcs_server.client().create_bucket(name)
    return name
