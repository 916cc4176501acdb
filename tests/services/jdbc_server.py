"""H2 and HSQLDB in server mode, as databases that are reached by JDBC alone; their jars are also the drivers.

The driver of PostgreSQL lies beside them: it is the one whose TLS can be tried.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.builders import find_built, maven_jars
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

H2, HSQLDB, PGJDBC = "2.4.240", "2.7.4", "42.7.4"
_JVM = ("-Xms32m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
PASSWORD = "pl4nted-s3cret:/+%"
_TOOL = "org.h2.tools.RunScript"


@dataclass(frozen=True, slots=True, kw_only=True)
class JdbcServer:
    """A running server: how its driver is called, and how a database of it is."""

    driver_class: str
    jars: tuple[str, ...]
    url_beginning: str
    url_end: str
    login: str
    process: ServerProcess
    folder: Path

    def url(self, database: str) -> str:
        return f"{self.url_beginning}{database}{self.url_end}"

    def new_database(self) -> str:
        """A name that nobody has taken; the database is made by whoever connects first."""
        return f"test_{secrets.token_hex(6)}"

    def run(self, database: str, script: str, *, password: str = PASSWORD) -> None:
        """Statements as the owner, by H2's tool, which takes any driver."""
        path = self.folder / f"{secrets.token_hex(6)}.sql"
        path.write_text(script)
        java = ["java", *_JVM, "-cp", ":".join(self.jars), _TOOL, "-driver", self.driver_class]
        stated = ["-url", self.url(database), "-user", self.login, "-password", password, "-script", str(path)]
        done = subprocess.run([*java, *stated], capture_output=True, text=True, check=False, timeout=60)
        path.unlink()
        if done.returncode != 0:
            raise RuntimeError(f"the script failed: {done.stderr[-2000:]}")


def _make(folder: Path) -> None:
    artifacts = [f"com.h2database:h2:{H2}", f"org.hsqldb:hsqldb:{HSQLDB}", f"org.postgresql:postgresql:{PGJDBC}"]
    maven_jars(folder, artifacts)


BUILD = Build(version=f"h2-{H2}-hsqldb-{HSQLDB}-pgjdbc-{PGJDBC}", make=_make)


def find() -> Found | Missing:
    """The jars in the cache, and Java."""
    return find_built("jdbc", BUILD, file=f"h2-{H2}.jar", tool="java")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[JdbcServer]:
    """H2 on a free port of the loopback, its databases in the workspace."""
    port = free_port()
    h2 = ["-tcp", "-tcpPort", str(port), "-baseDir", str(workspace.folder), "-ifNotExists"]
    command = _java(found, workspace, "org.h2.tools.Server", h2, options=["-Dh2.bindAddress=127.0.0.1"])
    with workspace.serve("h2", command=command, probe=lambda: _is_open(port)) as process:
        yield JdbcServer(
            driver_class="org.h2.Driver",
            jars=_jars(found),
            url_beginning=f"jdbc:h2:tcp://127.0.0.1:{port}/./",
            url_end="",
            login="owner",
            process=process,
            folder=workspace.folder,
        )


@contextmanager
def start_hsqldb(workspace: Workspace, found: Found) -> Iterator[JdbcServer]:
    """HSQLDB on a free port of the loopback, with one database, `db`, in the workspace."""
    port = free_port()
    place = f"file:{workspace.folder}/db;user=owner;password={PASSWORD};hsqldb.tx=mvcc"
    hsqldb = [
        "--address",
        "127.0.0.1",
        "--port",
        str(port),
        "--database.0",
        place,
        "--dbname.0",
        "db",
        "--silent",
        "true",
    ]
    command = _java(found, workspace, "org.hsqldb.server.Server", hsqldb)
    with workspace.serve("hsqldb", command=command, probe=lambda: _is_open(port)) as process:
        yield JdbcServer(
            driver_class="org.hsqldb.jdbc.JDBCDriver",
            jars=_jars(found),
            url_beginning=f"jdbc:hsqldb:hsql://127.0.0.1:{port}/",
            url_end="",
            login="owner",
            process=process,
            folder=workspace.folder,
        )


def _java(
    found: Found, workspace: Workspace, main: str, arguments: Sequence[str], options: Sequence[str] = ()
) -> ServerCommand:
    java = shutil.which("java") or "java"
    return ServerCommand(
        arguments=[java, *_JVM, *options, "-cp", ":".join(_jars(found)), main, *arguments], folder=workspace.folder
    )


def _jars(found: Found) -> tuple[str, ...]:
    return tuple(str(jar) for jar in sorted(found.path.parent.glob("*.jar")))


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


SERVICE: Service[JdbcServer] = Service(
    name="jdbc",
    summary="H2 (and HSQLDB, in some tests) as databases behind a JDBC driver",
    fixture="h2",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def h2(start_service: StartService) -> JdbcServer:
    """One H2 for the session."""
    return start_service(SERVICE)
