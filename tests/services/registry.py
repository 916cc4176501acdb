"""The services that tests can use. To add one: a module beside this file (`SERVICE`, its fixtures) and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.services.service import Service

MODULES: dict[str, str] = {
    "postgresql": "tests.services.postgresql",
    "redis": "tests.services.redis_server",
    "moto": "tests.services.s3_server",
    "web": "tests.services.web",
}


class UnknownServiceError(KeyError):
    """No service has this name; the message lists those that exist."""

    def __str__(self) -> str:
        return str(self.args[0])


def load_service(name: str) -> Service[Any]:
    """The entry of one service.

    Raises:
        UnknownServiceError: No service has this name.
    """
    if name not in MODULES:
        raise UnknownServiceError(f"no service {name!r}; there are: {', '.join(MODULES)}")
    service: Service[Any] = import_module(MODULES[name]).SERVICE
    return service


def load_services() -> list[Service[Any]]:
    """Every service, in the order of the registry."""
    return [load_service(name) for name in MODULES]
