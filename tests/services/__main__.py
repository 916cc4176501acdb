"""The command line of the real servers: `python -m tests.services list` and `python -m tests.services install`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from tests.services.install import InstallError, install
from tests.services.registry import MODULES, UnknownServiceError, load_service
from tests.services.service import Found, Service
from tests.services.usage import aligned


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (0 done, 1 something is missing)."""
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, described in (("list", "what is found, and what is missing"), ("install", "get what is missing")):
        added = commands.add_parser(command, help=described)
        added.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(MODULES)}")
    chosen = parser.parse_args(arguments)
    try:
        services = [load_service(name) for name in chosen.names or MODULES]
    except UnknownServiceError as error:
        parser.error(str(error))
    return _install(services) if chosen.command == "install" else _list(services)


def _install(services: Sequence[Service[Any]]) -> int:
    try:
        installed = install(services)
    except InstallError as error:
        print(f"services: {error}", file=sys.stderr)
        return 1
    print(f"services: installed {', '.join(installed)}" if installed else "services: everything is there")
    return 0


def _list(services: Sequence[Service[Any]]) -> int:
    rows = [("service", "state", "version", "found / how to install", "used for")]
    for service in services:
        found = service.find()
        if isinstance(found, Found):
            rows.append((service.name, "found", found.version, found.how, service.summary))
        else:
            rows.append((service.name, "missing", "", service.install.hint(service.name), service.summary))
    print("\n".join(aligned(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
