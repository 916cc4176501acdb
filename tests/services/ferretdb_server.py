"""FerretDB: a server that speaks MongoDB's protocol, on SQLite. It has no transactions and no change streams."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.builders import find_built, go_program
from tests.services.certificates import LOOPBACK
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    import pymongo

    from tests.services.plugin import StartService

VERSION = "1.24.0"
PROGRAM = "ferretdb"
# Its own command does not run when it is built from the module proxy: a file with the version is not in there.
_MAIN = """package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	var listen ferretdb.ListenerConfig
	flag.StringVar(&listen.TCP, "tcp", "", "address without TLS")
	flag.StringVar(&listen.TLS, "tls", "", "address with TLS")
	flag.StringVar(&listen.TLSCertFile, "certificate", "", "PEM file")
	flag.StringVar(&listen.TLSKeyFile, "key", "", "PEM file")
	folder := flag.String("folder", "", "SQLite URI, file:FOLDER/")
	flag.Parse()
	server, err := ferretdb.New(&ferretdb.Config{Listener: listen, Handler: "sqlite", SQLiteURL: *folder})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
"""
_MODULE = f"module ferretdb\n\ngo 1.22\n\nrequire github.com/FerretDB/FerretDB v{VERSION}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FerretdbServer:
    """A running server with a port without TLS for the test's own use, and one with TLS for sources."""

    port: int
    tls_port: int
    ca_path: Path
    version: str
    process: ServerProcess

    def client(self) -> pymongo.MongoClient[dict[str, object]]:
        """A client without TLS; the caller closes it."""
        import pymongo

        return pymongo.MongoClient(f"mongodb://127.0.0.1:{self.port}/?directConnection=true", tz_aware=True)


def _make(folder: Path) -> None:
    go_program(folder, ".", files={"go.mod": _MODULE, "main.go": _MAIN}, name=PROGRAM)


BUILD = Build(version=VERSION, make=_make)


def find() -> Found | Missing:
    """What was built of it."""
    return find_built("ferretdb", BUILD, file=PROGRAM)


@contextmanager
def start(workspace: Workspace, found: Found, *, identities: tuple[str, ...] = LOOPBACK) -> Iterator[FerretdbServer]:
    """Run it on two free ports, with its databases in the workspace; `identities` stand in its certificate."""
    import pymongo

    port, tls_port = free_port(), free_port()
    folder = workspace.folder / "databases"
    folder.mkdir()
    certificate = workspace.ca.issue(f"ferretdb-{tls_port}", identities=identities)
    arguments = [
        *(str(found.path), f"-tcp=127.0.0.1:{port}", f"-tls=127.0.0.1:{tls_port}", f"-folder=file:{folder}/"),
        *(f"-certificate={certificate.certificate_path}", f"-key={certificate.key_path}"),
    ]

    def answers() -> bool:
        url = f"mongodb://127.0.0.1:{port}/?directConnection=true&serverSelectionTimeoutMS=200"
        client: pymongo.MongoClient[dict[str, object]]
        try:
            with pymongo.MongoClient(url) as client:
                client.admin.command("ping")
        except pymongo.errors.ConnectionFailure:
            return False
        return True

    command = ServerCommand(arguments=arguments, folder=workspace.folder)
    with workspace.serve("ferretdb", command=command, probe=answers) as process:
        yield FerretdbServer(
            port=port, tls_port=tls_port, ca_path=workspace.ca.ca_path, version=found.version, process=process
        )


SERVICE: Service[FerretdbServer] = Service(
    name="ferretdb",
    summary="MongoDB sources",
    fixture="ferretdb",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def ferretdb(start_service: StartService) -> FerretdbServer:
    """One FerretDB for the session."""
    return start_service(SERVICE)


@pytest.fixture
def mongo_database(ferretdb: FerretdbServer) -> Iterator[str]:
    """The name of an empty database that only this test uses."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    with ferretdb.client() as client:
        client.drop_database(name)
