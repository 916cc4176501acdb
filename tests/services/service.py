"""What every real server has in common: how it is found, how it is installed, how it starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from tests.services.process import Probe, ServerCommand, ServerProcess, serve

if TYPE_CHECKING:
    from tests.services.certificates import PrivateCa

R = TypeVar("R")
"""What a started service hands to its tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A server that can be started here: its version, and where it lies (`path`) in words (`how`)."""

    version: str
    how: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A server that cannot be started here, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A server that is downloaded or compiled once into the cache, keyed by `version`.

    `make(folder)` fills an empty folder; it is renamed to its final place only when `make` returns, so an
    interrupted build is never found.
    """

    version: str
    make: Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """How a missing server is had. `lock`: it is a Python package that `make setup` installs from the lock."""

    apt: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    build: Build | None = None

    def hint(self, name: str) -> str:
        """Say in one clause how to get the server `name`."""
        ways = []
        if self.apt:
            ways.append(f"`python -m tests.services install {name}` (apt: {' '.join(self.apt)})")
        if self.build:
            ways.append(f"`python -m tests.services install {name}` (built into {built_folder(name, self.build)})")
        if self.lock:
            ways.append(f"`make setup` (Python: {' '.join(self.lock)})")
        return " or ".join(ways) or "nothing to install"


@dataclass(kw_only=True)
class Workspace:
    """One start of one service: its own folder, the private CA, and the processes that it runs."""

    folder: Path
    ca: PrivateCa
    processes: list[ServerProcess] = field(default_factory=list)

    @contextmanager
    def serve(self, name: str, *, command: ServerCommand, probe: Probe) -> Iterator[ServerProcess]:
        """Run a server process until the block ends; its log is `<folder>/<name>.log`."""
        with serve(name, command=command, probe=probe, log_path=self.folder / f"{name}.log") as process:
            self.processes.append(process)
            yield process


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Generic[R]):
    """One entry of the registry.

    `fixture` is the session fixture that starts it (so the summary can count the tests that used it). `start` runs
    the server in a workspace until its block ends and yields what tests need to use it. It raises `ServerError`,
    with the end of the server's log, if the server does not come up.
    """

    name: str
    summary: str
    fixture: str
    find: Callable[[], Found | Missing]
    install: Install
    start: Callable[[Workspace, Found], AbstractContextManager[R]]


@contextmanager
def open_workspace(name: str, *, ca: PrivateCa) -> Iterator[Workspace]:
    """Give a temporary folder to one start of the service `name`, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"finport-{name}-"))
    # mkdtemp gives 0700; a server that runs as another user must get in.
    folder.chmod(0o755)
    try:
        yield Workspace(folder=folder, ca=ca)
    finally:
        shutil.rmtree(folder)


def find_installed(program: str) -> Found | Missing:
    """A program of the system: on PATH, or where Debian puts what root runs. It says its version when asked by `-v`."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        return Missing(reason=f"{program} is not on PATH")
    shown = subprocess.run(
        [found, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    ).stdout
    version = re.search(r"\d[\w.+-]*", shown)
    return Found(version=version[0] if version else "unknown", how=found, path=Path(found))


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where built and downloaded servers lie, outside the work tree: the next run finds them."""
    base = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "finport" / "services"


def built_folder(name: str, build: Build) -> Path:
    """The folder that a finished build of this version fills."""
    return cache_folder() / f"{name}-{build.version}"
