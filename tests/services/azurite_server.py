"""Azure Blob Storage as Azurite speaks it, over TLS, with an account of our own; one fresh container a test."""

from __future__ import annotations

import base64
import secrets
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.builders import find_built, npm_packages
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

VERSION = "3.35.0"
ACCOUNT = "finporttests"
_KEY = base64.b64encode(PLANTED_SECRET.encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """A running server and its only account."""

    account_url: str  # with the account's name as its path
    port: int
    ca_path: Path
    process: ServerProcess
    account: str = ACCOUNT
    account_key: str = _KEY

    @property
    def connection_string(self) -> str:
        """As the portal shows one."""
        return (
            f"DefaultEndpointsProtocol=https;AccountName={self.account};AccountKey={self.account_key};"
            f"BlobEndpoint={self.account_url};"
        )

    def service(self) -> Any:
        """A BlobServiceClient of Azure's own SDK, to write what tests read."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self.account_url, credential=self.account_key, connection_verify=str(self.ca_path))


def _make(folder: Path) -> None:
    npm_packages(folder, [f"azurite@{VERSION}"])


BUILD = Build(version=VERSION, make=_make)


def find() -> Found | Missing:
    """The script that npm brought, and Node to run it."""
    return find_built("azurite", BUILD, file="node_modules/azurite/dist/src/blob/main.js", tool="node")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[Azurite]:
    """Run its blob service alone on a free port, over TLS, with its data in the workspace."""
    port, certificate = free_port(), workspace.ca.issue("azurite")
    url = f"https://127.0.0.1:{port}/{ACCOUNT}"
    place = ["--location", str(workspace.folder), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    tls = ["--cert", str(certificate.certificate_path), "--key", str(certificate.key_path)]
    # Newer SDKs state a version of the API that it does not know.
    habits = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command = ServerCommand(
        arguments=[str(shutil.which("node")), str(found.path), *place, *tls, *habits],
        folder=workspace.folder,
        environment={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{_KEY}", "HOME": str(workspace.folder)},
    )
    context = ssl.create_default_context(cafile=workspace.ca.ca_path)

    def answers() -> bool:
        try:
            urllib.request.urlopen(url, timeout=5, context=context).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
        except OSError:
            return False
        return True

    with workspace.serve("azurite", command=command, probe=answers) as process:
        yield Azurite(account_url=url, port=port, ca_path=workspace.ca.ca_path, process=process)


SERVICE: Service[Azurite] = Service(
    name="azurite",
    summary="Azure Blob sources",
    fixture="azurite",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def azurite(start_service: StartService) -> Azurite:
    """One Azurite for the session."""
    return start_service(SERVICE)


@pytest.fixture
def azurite_container(azurite: Azurite) -> Iterator[str]:
    """The name of a container that only this test uses; deleted afterwards, if it is still there."""
    from azure.core.exceptions import ResourceNotFoundError

    name = f"test-{secrets.token_hex(6)}"
    with azurite.service() as service:
        service.create_container(name)
        yield name
        try:
            service.delete_container(name)
        except ResourceNotFoundError:
            # The test took it away.
            return
