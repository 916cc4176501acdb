"""MariaDB: one server a session, with TLS of the private CA; one fresh database a test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.certificates import Certificate
from tests.services.process import ServerCommand, ServerError, ServerProcess, drop_privileges, free_port
from tests.services.service import Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    import pymysql

    from tests.services.plugin import StartService

PROGRAM = Path("/usr/sbin/mariadbd")
USER = "mysql"


@dataclass(frozen=True, slots=True, kw_only=True)
class MariadbServer:
    """A running server with one superuser, `root`, who logs in by password over TCP."""

    port: int
    password: str
    version: str
    process: ServerProcess
    ca_path: Path | None  # of the authority that vouches for the server; None: it has no TLS
    host: str = "127.0.0.1"
    user: str = "root"

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """An autocommit connection as superuser; the caller closes it."""
        import pymysql

        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            autocommit=True,
            ssl_ca=str(self.ca_path) if self.ca_path else None,
            ssl_disabled=self.ca_path is None,
            connect_timeout=5,
        )

    def run(self, *statements: str, database: str | None = None) -> None:
        """Execute statements as superuser, one after the other."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name


def find() -> Found | Missing:
    """The server where Debian puts it, or on PATH."""
    program = PROGRAM if PROGRAM.is_file() else Path(shutil.which("mariadbd") or "/nonexistent")
    if not program.is_file() or shutil.which("mariadb-install-db") is None:
        return Missing(reason="neither mariadbd nor mariadb-install-db is on this machine")
    # "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return Found(version=shown.partition("Ver ")[2].partition("-")[0], how=str(program), path=program)


@contextmanager
def start(
    workspace: Workspace, found: Found, *, certificate: Certificate | None = None, tls: bool = True
) -> Iterator[MariadbServer]:
    """Make a data folder in the workspace and run the server on a free port, not as root.

    Args:
        certificate: Of the server, instead of one that is valid for this machine.
        tls: Whether it offers TLS; who wants none gets none.
    """
    import pymysql

    home = workspace.folder / "mariadb"
    home.mkdir()
    user = USER if os.geteuid() == 0 else None
    files = _certificate(home, certificate or workspace.ca.issue("mariadb")) if tls else ["--skip-ssl"]
    _hand_over(home, user)
    _initialise(home, user)
    port, password = free_port(), secrets.token_urlsafe(12)
    setup = home / "setup.sql"
    # In the first second the server takes this file, and no connection.
    setup.write_text(
        f"CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    setup.chmod(0o600)
    _hand_over(setup, user)
    command = ServerCommand(
        arguments=[
            *(str(found.path), "--no-defaults", f"--datadir={home / 'data'}", f"--port={port}"),
            *("--bind-address=127.0.0.1", f"--socket={home / 's'}", f"--pid-file={home / 'pid'}"),
            *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", f"--init-file={setup}"),
            *("--innodb-buffer-pool-size=32M", "--default-time-zone=+03:00", *files),
        ],
        folder=home,
        user=user,
    )
    ca_path = workspace.ca.ca_path if tls else None
    address = {"host": "127.0.0.1", "port": port, "user": "root", "password": password, "connect_timeout": 2}
    way = {"ssl_ca": str(ca_path)} if ca_path else {"ssl_disabled": True}

    def answers() -> bool:
        try:
            pymysql.connect(**address, **way).close()
        except pymysql.MySQLError:
            return False
        return True

    with workspace.serve("mariadb", command=command, probe=answers) as process:
        yield MariadbServer(port=port, password=password, version=found.version, process=process, ca_path=ca_path)


def _certificate(home: Path, certificate: Certificate) -> list[str]:
    files = []
    for given, option in ((certificate.certificate_path, "ssl-cert"), (certificate.key_path, "ssl-key")):
        path = home / given.name
        shutil.copyfile(given, path)
        path.chmod(0o600)
        files.append(f"--{option}={path}")
    return files


def _hand_over(path: Path, user: str | None) -> None:
    if user is None:
        return
    group = pwd.getpwnam(user).pw_gid
    for each in (path, *path.rglob("*")):
        shutil.chown(each, user=user, group=group)


def _initialise(home: Path, user: str | None) -> None:
    made = subprocess.run(
        [
            *(*drop_privileges(user), "mariadb-install-db", "--no-defaults", f"--datadir={home / 'data'}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
        ],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise ServerError(f"mariadb-install-db ended with exit code {made.returncode}:\n{made.stdout}{made.stderr}")


SERVICE: Service[MariadbServer] = Service(
    name="mariadb",
    summary="MySQL and MariaDB as sources",
    fixture="mariadb",
    find=find,
    install=Install(apt=("mariadb-server",)),
    start=start,
)


@pytest.fixture(scope="session")
def mariadb(start_service: StartService) -> MariadbServer:
    """One MariaDB for the session; its time zone is three hours east of UTC."""
    return start_service(SERVICE)


@pytest.fixture
def mariadb_database(mariadb: MariadbServer) -> Iterator[str]:
    """The name of an empty database that only this test uses."""
    name = mariadb.create_database()
    yield name
    mariadb.run(f"DROP DATABASE IF EXISTS {name}")
