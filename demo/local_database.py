"""`python -m demo.local_database`: one PostgreSQL with a database for Airflow and one for FinPort, until SIGTERM.

It is a process of its own because the server ends with the process that started it.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import FrameType
from typing import Final

from psycopg import sql

from demo.folder import DemoFolder
from demo.postgres import HOST, PostgresServer
from finport_ingestion.engine.errors import FinportError, SourceUnavailable

DATABASES: Final = ("airflow", "finport")
"""Their owners are called the same."""

ADDRESS_FILE: Final = "address.json"
SECRETS_FILE: Final = "passwords.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """Of the superuser and of the owners."""

    superuser: str = field(repr=False)
    airflow: str = field(repr=False)
    finport: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """A database that is served now; its owner is called as it is."""

    port: int
    name: str
    password: str = field(repr=False)
    host: str = HOST

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://{self.name}:{self.password}@{self.host}:{self.port}/{self.name}"

    def connection(self, kind: str) -> dict[str, str | int]:
        """As an Airflow connection of type `kind`."""
        address: dict[str, str | int] = {"conn_type": kind, "host": self.host, "port": self.port}
        return {**address, "schema": self.name, "login": self.name, "password": self.password}


def passwords_of(folder: DemoFolder) -> Passwords:
    """The folder's passwords, made when there are none or the file is damaged."""
    kept = folder.read_json(SECRETS_FILE)
    if set(kept) == {each.name for each in fields(Passwords)}:
        return Passwords(**{name: str(value) for name, value in kept.items()})
    made = Passwords(**{each.name: secrets.token_urlsafe(24) for each in fields(Passwords)})
    folder.write_json(SECRETS_FILE, asdict(made))
    return made


def address_of(folder: DemoFolder, database: str) -> DatabaseAddress | None:
    """Where one of `DATABASES` is served, None as long as it is not."""
    port = folder.read_json(ADDRESS_FILE).get("port")
    if not isinstance(port, int):
        return None
    return DatabaseAddress(port=port, name=database, password=asdict(passwords_of(folder))[database])


class _Stop(BaseException):
    """A signal asks to stop."""


def _stop(number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise _Stop


def main() -> int:
    """Serve until a signal comes: exit code 0; 1 when the server does not start or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m demo.local_database")
    parser.add_argument("--folder", type=Path, required=True, help="where it lives")
    folder = DemoFolder(parser.parse_args().folder)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stop)
    try:
        _serve(folder)
    except _Stop:
        return 0
    except FinportError as error:
        sys.stderr.write(f"{error}\n")
    return 1


def _serve(folder: DemoFolder) -> None:
    passwords = passwords_of(folder)
    server = PostgresServer(folder, password=passwords.superuser)
    preferred = folder.read_json("ports.json").get("postgres")
    try:
        port = server.start(port=None, preferred=preferred if isinstance(preferred, int) else None)
        for database in DATABASES:
            _create(server, database, password=str(asdict(passwords)[database]))
        folder.write_json("ports.json", {"postgres": port})
        folder.write_json(ADDRESS_FILE, {"host": HOST, "port": port})
        while server.is_running():
            time.sleep(1)
        raise SourceUnavailable("PostgreSQL ended by itself.", hint=f"see {folder.logs}")
    finally:
        folder.remove(ADDRESS_FILE)
        server.stop()


def _create(server: PostgresServer, database: str, *, password: str) -> None:
    """The database and its owner, unless they are there."""
    name = sql.Identifier(database)
    with server.connect() as connection:
        connection.autocommit = True
        if not connection.execute("select from pg_roles where rolname = %s", [database]).rowcount:
            connection.execute(sql.SQL("create role {} login").format(name))
        connection.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(password)))
        if not connection.execute("select from pg_database where datname = %s", [database]).rowcount:
            connection.execute(sql.SQL("create database {} owner {}").format(name, name))


if __name__ == "__main__":
    sys.exit(main())
