"""Gets the servers that are missing: one apt transaction, builds into the cache. What is there costs nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services.service import Build, Found, Service, built_folder, cache_folder

LOCK_TIMEOUT_SECONDS = 600


class InstallError(RuntimeError):
    """A server could not be installed; the message says what to install by hand."""


def install(services: Sequence[Service[Any]]) -> list[str]:
    """Install those of `services` that are missing; return the names of what was installed.

    Raises:
        InstallError: There is no way to install it from here.
    """
    if not _missing(services):
        return []
    with _one_at_a_time():
        # Looked at again: another run may have installed it while we waited.
        missing = _missing(services)
        if packages := sorted({package for service in missing for package in service.install.apt}):
            _install_packages(packages)
        for service in missing:
            if service.install.build is not None:
                _build(service.name, service.install.build)
    if still_missing := _missing(missing):
        ways = "; ".join(f"{service.name}: {service.install.hint(service.name)}" for service in still_missing)
        raise InstallError(f"still missing: {ways}")
    return [service.name for service in missing]


def _missing(services: Sequence[Service[Any]]) -> list[Service[Any]]:
    return [service for service in services if not isinstance(service.find(), Found)]


def _install_packages(packages: Sequence[str]) -> None:
    """Install Debian packages; the package lists are renewed only when they do not know one, or are outdated."""
    apt = [*_as_root(packages), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    apt += ["-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}"]
    command = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    if _are_known(packages) and subprocess.run(command, check=False).returncode == 0:
        return
    for step in ([*apt, "update"], command):
        if subprocess.run(step, check=False).returncode != 0:
            raise InstallError(f"`{' '.join(step)}` failed; install by hand: {' '.join(packages)}")


def _as_root(packages: Sequence[str]) -> list[str]:
    """The command prefix that makes apt-get work here."""
    wanted = f"install these packages and try again: {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise InstallError(f"this machine has no apt-get; {wanted}")
    if os.geteuid() == 0:
        return []
    if sudo := shutil.which("sudo"):
        return [sudo]
    raise InstallError(f"neither root nor sudo; {wanted}")


def _are_known(packages: Sequence[str]) -> bool:
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, check=False)
    return shown.returncode == 0


def _build(name: str, build: Build) -> None:
    """Fill a folder beside the final one, then rename it: what is found is whole."""
    place = built_folder(name, build)
    # Somebody emptied it, or an earlier build made nothing that is found.
    shutil.rmtree(place, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as scratch:
        made = Path(scratch) / place.name
        made.mkdir()
        build.make(made)
        made.rename(place)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two runs that start on a fresh machine at once shall not build the same server twice."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
