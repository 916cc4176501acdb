"""toxiproxy: a network that delays, cuts and drops what goes through it, as a test plans it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.builders import find_built, go_program
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

_PROGRAM = "toxiproxy-server"
_BUILD = Build(
    version="2.5.0",
    make=lambda folder: go_program(folder, "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0", name=_PROGRAM),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxics:
    """One proxied port; `port` is where clients connect to."""

    name: str
    port: int
    api: str

    def add(self, kind: str, *, towards: str = "downstream", **attributes: int) -> None:
        """Spoil what passes from now on, e.g. `add("latency", latency=300)`, `add("limit_data", bytes=5000)`.

        Args:
            towards: `downstream` is to the client, `upstream` to the server.
        """
        toxic = {"name": f"{kind}-{towards}", "type": kind, "stream": towards, "attributes": attributes}
        _call(f"{self.api}/proxies/{self.name}/toxics", toxic)

    def heal(self) -> None:
        """Take every toxic away."""
        for toxic in _call(f"{self.api}/proxies/{self.name}")["toxics"]:
            _call(f"{self.api}/proxies/{self.name}/toxics/{toxic['name']}", method="DELETE")

    def down(self) -> None:
        """Nobody listens any more, and what is open is closed."""
        _call(f"{self.api}/proxies/{self.name}", {"enabled": False})

    def up(self) -> None:
        """It listens again."""
        _call(f"{self.api}/proxies/{self.name}", {"enabled": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxiproxy:
    """A running server of proxies."""

    api: str
    process: ServerProcess

    @contextmanager
    def before(self, port: int) -> Iterator[Toxics]:
        """A proxy before a port of 127.0.0.1, until the block ends."""
        listening = free_port()
        name = f"port-{listening}"
        upstream = {"name": name, "listen": f"127.0.0.1:{listening}", "upstream": f"127.0.0.1:{port}", "enabled": True}
        _call(f"{self.api}/proxies", upstream)
        try:
            yield Toxics(name=name, port=listening, api=self.api)
        finally:
            _call(f"{self.api}/proxies/{name}", method="DELETE")


def _call(url: str, content: object = None, *, method: str | None = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, data=body, method=method or ("POST" if body else "GET"))
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def _answers(url: str) -> bool:
    try:
        _call(url)
    except urllib.error.URLError:
        return False
    except ValueError:
        return True  # a version, not JSON
    return True


def find() -> Found | Missing:
    """What was built."""
    return find_built("toxiproxy", _BUILD, file=_PROGRAM)


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[Toxiproxy]:
    """Run it without proxies."""
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    arguments = [str(found.path), "-host", "127.0.0.1", "-port", str(port)]
    command = ServerCommand(arguments=arguments, folder=workspace.folder)
    with workspace.serve("toxiproxy", command=command, probe=partial(_answers, f"{api}/version")) as process:
        yield Toxiproxy(api=api, process=process)


SERVICE: Service[Toxiproxy] = Service(
    name="toxiproxy",
    summary="networks that stall, cut and reset",
    fixture="toxiproxy",
    find=find,
    install=Install(build=_BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def toxiproxy(start_service: StartService) -> Toxiproxy:
    """Makes proxies that spoil what passes."""
    return start_service(SERVICE)
