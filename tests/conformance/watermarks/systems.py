"""Systems that grow: a file that is written anew, a table, an API that gives what lies behind a value in pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.conformance.watermarks.system import CursorKind, Row
from tests.services.web import WebServer
from tests.services.web_replies import Reply, Request, json_reply

if TYPE_CHECKING:
    from tests.services.postgresql import PostgresqlServer

PAGE = 2


class GrowingFile:
    """All records in one CSV file."""

    takes_nulls = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[Row] = []

    def source(self, cursor: CursorKind) -> str:
        self._folder.mkdir()
        return f'{{protocol: file, path: "{self._folder}", pattern: "*.csv"}}'

    def add(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        lines = [f"{at or ''},{rest}\n" for at, rest in self._rows]
        (self._folder / "prices.csv").write_text("at,rest\n" + "".join(lines))


class GrowingTable:
    """A table of PostgreSQL."""

    takes_nulls = False

    def __init__(self, database: str, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self._url = database.replace("postgresql+psycopg://", "postgresql://")
        self._type = "text"
        fields = {
            "conn_type": "postgres",
            "host": server.host,
            "port": server.port,
            "schema": database.rpartition("/")[2],
            "login": server.user,
            "password": server.password,
            "extra": {"ca_file": str(server.ca_path)} if server.ca_path else {},
        }
        monkeypatch.setenv("AIRFLOW_CONN_GROWING", json.dumps(fields))

    def source(self, cursor: CursorKind) -> str:
        self._type = cursor.sql_type
        with psycopg.connect(self._url) as connection:
            connection.execute(f"CREATE TABLE prices (at {cursor.sql_type}, rest text)")
        return "{protocol: sql, connection: growing, table: prices}"

    def add(self, rows: Sequence[Row]) -> None:
        with psycopg.connect(self._url) as connection:
            for row in rows:
                connection.execute(f"INSERT INTO prices VALUES (%s::{self._type}, %s)", row)


class GrowingApi:
    """Pages of two records, those from a value on; records without a value come each time."""

    takes_nulls = True

    def __init__(self, server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server = server
        self._rows: list[Row] = []
        fields = {"conn_type": "finport_http", "host": server.url(), "extra": {"ca_file": str(server.ca_path)}}
        monkeypatch.setenv("AIRFLOW_CONN_GROWING", json.dumps(fields))

    def source(self, cursor: CursorKind) -> str:
        def page(request: Request) -> Reply:
            since = request.parameter("since")
            rows = [
                {"at": at, "rest": rest}
                for at, rest in self._rows
                if not since or at is None or cursor.worth(at) >= cursor.worth(since)
            ]
            first = (int(request.parameter("page")) - 1) * PAGE
            return json_reply({"rows": rows[first : first + PAGE], "pages": max(1, -(-len(rows) // PAGE))})

        self._server.add("/prices", page)
        pages = "{style: page, totalPages: pages, records: rows}"
        return f"{{protocol: http, connection: growing, path: /prices, sinceParameter: since, pagination: {pages}}}"

    def add(self, rows: Sequence[Row]) -> None:
        self._rows += rows
