"""haproxy: what stands before a provider's servers, with faults in its own words, switched while it runs.

```python
with haproxy_servers.before(server.port, "http-request return status 500 if { rand(2) eq 0 }") as proxy: ...
```
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.process import ServerCommand, ServerProcess, free_port, listens
from tests.services.service import Found, Install, Missing, Service, Workspace, find_installed

if TYPE_CHECKING:
    from tests.services.plugin import StartService

_CONFIGURATION = """
global
  stats socket {folder}/socket mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port} ssl crt {folder}/server.pem ssl-min-ver TLSv1.3
  {faults}
  default_backend back
backend back
  server one 127.0.0.1:{upstream} ssl verify none
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaproxyServer:
    """A running server, TLS 1.3 on both sides."""

    port: int
    ca_path: Path
    folder: Path
    process: ServerProcess

    def url(self, path: str = "") -> str:
        """The absolute url of a path."""
        return f"https://127.0.0.1:{self.port}{path}"

    def command(self, text: str) -> str:
        """A command of its management guide, e.g. `disable server back/one`, or `set maxconn frontend front 1`."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.folder / "socket"))
            client.sendall(f"{text}\n".encode())
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        return answer.decode()


@dataclass(kw_only=True)
class HaproxyServers:
    """Makes haproxy servers with a certificate of the private CA."""

    workspace: Workspace
    program: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def before(self, port: int, *faults: str) -> Iterator[HaproxyServer]:
        """Run a server before an HTTPS port of 127.0.0.1 until the block ends.

        Args:
            faults: Lines of its frontend, e.g. `http-request deny deny_status 503 hdr Retry-After 1 if ...`.
        """
        number = next(self._numbers)
        # The path of a socket holds about a hundred characters.
        folder = self.workspace.folder / str(number)
        folder.mkdir()
        own = self.workspace.ca.issue(f"haproxy-{number}")
        (folder / "server.pem").touch(mode=0o600)
        (folder / "server.pem").write_bytes(own.certificate_path.read_bytes() + own.key_path.read_bytes())
        listening = free_port()
        text = _CONFIGURATION.format(folder=folder, port=listening, upstream=port, faults="\n  ".join(faults))
        (folder / "haproxy.cfg").write_text(text)
        arguments = [str(self.program), "-db", "-f", str(folder / "haproxy.cfg")]
        command = ServerCommand(arguments=arguments, folder=folder)

        def is_ready() -> bool:
            # The socket of its commands appears a moment after the port.
            return listens(listening) and (folder / "socket").exists()

        with self.workspace.serve(f"haproxy-{number}", command=command, probe=is_ready) as process:
            yield HaproxyServer(port=listening, ca_path=self.workspace.ca.ca_path, folder=folder, process=process)


def find() -> Found | Missing:
    """`haproxy` of the system."""
    return find_installed("haproxy")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[HaproxyServers]:
    """Nothing runs yet; each test serves its own."""
    yield HaproxyServers(workspace=workspace, program=found.path)


SERVICE: Service[HaproxyServers] = Service(
    name="haproxy",
    summary="errors now and then, quotas, and servers that go away",
    fixture="haproxy_servers",
    find=find,
    install=Install(apt=("haproxy",)),
    start=start,
)


@pytest.fixture(scope="session")
def haproxy_servers(start_service: StartService) -> HaproxyServers:
    """Makes haproxy servers, each for one block."""
    return start_service(SERVICE)
