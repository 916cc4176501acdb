"""nginx: files, quotas, client certificates and faults, as a provider's own web server serves them.

A test says what the server does in nginx's own words, and has it as long as a block::

    with nginx_servers.serve("location / { root $files; }") as server:
        (server.files / "prices.csv").write_text("isin,close\\n")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.certificates import Certificate
from tests.services.process import ServerCommand, ServerProcess, free_port, listens
from tests.services.service import Found, Install, Missing, Service, Workspace, find_installed

if TYPE_CHECKING:
    from tests.services.plugin import StartService

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  {temporary}
  access_log {folder}/access.log;
  default_type application/octet-stream;
  types {{ text/csv csv; application/json json; text/html html; }}
  keepalive_requests 1000000;
  {outside}
  server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
    server_name localhost;
    {inside}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NginxServer:
    """A running server. What lies in `files` is `$files` of its configuration."""

    port: int
    scheme: str
    folder: Path
    files: Path
    ca_path: Path
    process: ServerProcess

    def url(self, path: str = "") -> str:
        """The absolute url of a path."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def access_log(self) -> list[str]:
        """One line a request that was answered."""
        return (self.folder / "access.log").read_text().splitlines()


@dataclass(kw_only=True)
class NginxServers:
    """Makes nginx servers with certificates of the private CA."""

    workspace: Workspace
    program: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def issue(self, name: str, *identities: str) -> Certificate:
        """A certificate of the private CA, also good for a client, e.g. `issue("bank", "client.example")`."""
        return self.workspace.ca.issue(name, identities=identities)

    def issue_ended(self, name: str) -> Certificate:
        """A certificate for `localhost` and `127.0.0.1` that was good until yesterday."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        return self.workspace.ca.issue(name, not_before=yesterday - timedelta(days=9), not_after=yesterday)

    @contextmanager
    def serve(
        self,
        inside: str,
        *,
        outside: str = "",
        tls: bool = True,
        certificate: Certificate | None = None,
        protocols: str = "TLSv1.3",
        client_certificates: bool = False,
    ) -> Iterator[NginxServer]:
        """Run a server on a free port of 127.0.0.1 until the block ends.

        Args:
            inside: Directives of its `server` block; `$files` is a folder of its own.
            outside: Directives of its `http` block, e.g. `limit_req_zone ...;`.
            certificate: Of the server; one for `localhost` and `127.0.0.1` by default.
            protocols: What it speaks, as `ssl_protocols` takes it.
            client_certificates: Whether a client needs a certificate of the private CA (400 without); its subject is
                `$ssl_client_s_dn` in `inside`.
        """
        number = next(self._numbers)
        folder = self.workspace.folder / f"nginx-{number}"
        files = folder / "files"
        files.mkdir(parents=True)
        port = free_port()
        lines = _tls_lines(self.workspace, certificate, protocols, client_certificates) if tls else ""
        text = _CONFIGURATION.format(
            folder=folder,
            temporary=" ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY),
            outside=outside,
            port=port,
            tls=" ssl" if tls else "",
            inside=f"{lines}\n{inside}".replace("$files", str(files)),
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(text)
        arguments = [str(self.program), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]
        command = ServerCommand(arguments=arguments, folder=folder)
        with self.workspace.serve(f"nginx-{number}", command=command, probe=lambda: listens(port)) as process:
            yield NginxServer(
                port=port,
                scheme="https" if tls else "http",
                folder=folder,
                files=files,
                ca_path=self.workspace.ca.ca_path,
                process=process,
            )


def _tls_lines(workspace: Workspace, certificate: Certificate | None, protocols: str, clients: bool) -> str:
    own = certificate or workspace.ca.issue("nginx")
    lines = [
        f"ssl_certificate {own.certificate_path};",
        f"ssl_certificate_key {own.key_path};",
        f"ssl_protocols {protocols};",
    ]
    if clients:
        lines += [f"ssl_client_certificate {workspace.ca.ca_path};", "ssl_verify_client on;"]
    return "\n".join(lines)


def find() -> Found | Missing:
    """`nginx` of the system."""
    return find_installed("nginx")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[NginxServers]:
    """Nothing runs yet; each test serves its own."""
    yield NginxServers(workspace=workspace, program=found.path)


SERVICE: Service[NginxServers] = Service(
    name="nginx",
    summary="files in ranges, client certificates, quotas; the benchmark of HTTP",
    fixture="nginx_servers",
    find=find,
    install=Install(apt=("nginx",)),
    start=start,
)


@pytest.fixture(scope="session")
def nginx_servers(start_service: StartService) -> NginxServers:
    """Makes nginx servers, each for one block."""
    return start_service(SERVICE)
