"""The version of the state database: made and changed by Alembic only, and refused where it is not ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from finport_ingestion.engine.errors import SchemaOutdated, StateUnavailable
from finport_ingestion.engine.state.api_tables import METADATA
from finport_ingestion.engine.state.database import BUSY_SECONDS, UPGRADE, Database, alone
from finport_ingestion.engine.state.tables import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

HEAD = "0003"
"""The revision that this code works with."""
_MIGRATIONS = Path(__file__).with_name("migrations")
_VERSION = sa.table(VERSION_TABLE, sa.column("version_num"))


class Versioned:
    """A database that is worked with only when its tables are those of this package."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._checked = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As Database.read."""
        self._check_once()
        with self.database.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As Database.write."""
        self._check_once()
        with self.database.write() as connection:
            yield connection

    def _check_once(self) -> None:
        # The version does not change below a running process: an upgrade is done with everything stopped.
        if not self._checked:
            check(self.database)
            self._checked = True


def upgrade(database: Database) -> None:
    """Make the database, or bring it to this package's version: whole or not at all. May be repeated.

    Raises:
        StateUnavailable: The database does not answer, or its folder cannot be written.
    """
    from alembic import command

    if database.is_sqlite:
        _make_file(database)
    config = migrations()
    with database.write() as connection:
        alone(connection, "upgrade")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migrations() -> Config:
    """Alembic's configuration; there is no alembic.ini, so that it works wherever the package lies."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def check(database: Database) -> None:
    """Raise SchemaOutdated unless the database is of this package's version."""
    with database.read() as connection:
        found = connection.execute(sa.select(_VERSION.c.version_num)).scalars().all()
    if found == [HEAD]:
        return
    if not found or found[0] < HEAD:
        raise SchemaOutdated(f"{database} is of an older version ({', '.join(found) or 'none'}).", hint=UPGRADE)
    raise SchemaOutdated(
        f"{database} is of version {', '.join(found)}, which this package ({HEAD}) does not know.",
        hint="install the package that made it, here and on every worker; 'finport db upgrade' does not go back",
    )


def empty(connection: Connection) -> None:
    """Delete every row of every table."""
    for table in METADATA.sorted_tables:
        connection.execute(sa.delete(table))


def _make_file(database: Database) -> None:
    """An empty SQLite file with a write-ahead log, so that readers and the writer do not wait for each other."""
    give_up_at = time.monotonic() + BUSY_SECONDS
    try:
        database.file.parent.mkdir(parents=True, exist_ok=True)
        while not _has_log(database.file):
            if time.monotonic() > give_up_at:
                raise StateUnavailable(f"{database} is locked.", hint="end the process that uses it")
            time.sleep(0.05)
    except (OSError, sqlite3.OperationalError) as error:
        raise StateUnavailable(f"{database} cannot be made: {error}.", hint="give this user write access") from error


def _has_log(file: Path) -> bool:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        # Changing the mode does not wait for its turn when another process does it too.
        if "locked" not in str(error):
            raise
        return False
    finally:
        connection.close()
    return bool(mode == "wal")
