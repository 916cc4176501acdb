"""The services that tests can use. To add one: a module beside this file (`SERVICE`, its fixtures) and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.services.service import Service

MODULES: dict[str, str] = {
    "postgresql": "tests.services.postgresql",
    "redis": "tests.services.redis_server",
    "mariadb": "tests.services.mariadb_server",
    "jdbc": "tests.services.jdbc_server",
    "moto": "tests.services.s3_server",
    "nginx": "tests.services.nginx_server",
    "web": "tests.services.web",
    "keycloak": "tests.services.keycloak_server",
    "oidc": "tests.services.oidc_server",
    "haproxy": "tests.services.haproxy_server",
    "toxiproxy": "tests.services.toxiproxy_server",
    "sshd": "tests.services.sshd_server",
    "pyftpdlib": "tests.services.ftp_server",
    "vsftpd": "tests.services.vsftpd_server",
    "versitygw": "tests.services.versitygw_server",
    "azurite": "tests.services.azurite_server",
    "gcs": "tests.services.gcs_server",
    "hdfs": "tests.services.hdfs_server",
    "ferretdb": "tests.services.ferretdb_server",
    "kafka": "tests.services.kafka_server",
    "websocket": "tests.services.websocket_server",
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
