"""PostgreSQL to Parquet: ten million trades, by ours, by ADBC and by connectorx, each over TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pyarrow.parquet as pq

from benchmarks.convert.inputs.kept import CACHE
from benchmarks.machine import machine, versions
from benchmarks.measured import By, Goal, Outcome, Sample
from benchmarks.registry import Effort
from benchmarks.rounds import in_turn
from tests.services import postgresql
from tests.services.certificates import PrivateCa
from tests.services.postgresql import PostgresqlServer
from tests.services.service import Found, open_workspace

OURS = "ours"
ADBC = "ADBC"
CONNECTORX = "connectorx"
ROOT = Path(__file__).parents[2]
_ROWS, _QUICK_ROWS, _WARM_UP_ROWS = 10_000_000, 200_000, 50_000
_ROUNDS = 3
_AT_MOST = 1 / 0.8
_TABLE = """
CREATE TABLE {name} (id bigint PRIMARY KEY, seen timestamptz NOT NULL, day date, symbol text, isin text, side text,
  price numeric(18,4), quantity bigint, amount numeric(18,2), venue text, account text, fee numeric(10,4), rate float8,
  local timestamp);
INSERT INTO {name} SELECT i, timestamptz '2024-01-01' + i * interval '1.5 second', date '2024-01-01' + (i % 365)::int,
  'SYM' || i % 500, 'US' || lpad((i % 100000)::text, 10, '0'), CASE WHEN i % 2 = 0 THEN 'buy' ELSE 'sell' END,
  (i % 100000) / 100.0, i % 1000 * 10, (i % 100000) / 100.0 * (i % 1000), 'XNAS', lpad((i % 3000)::text, 8, '0'),
  CASE WHEN i % 10 <> 0 THEN (i % 997) / 1000.0 END, i / 7.0, timestamp '2024-01-01' + i * interval '1 second'
  FROM generate_series(1, {rows}) i;
"""
_FACTS = """
SELECT count(*)::text, count(fee)::text, sum(id)::text, sum(price)::text, sum(amount)::text, sum(fee)::text,
  sum(quantity)::text, min(seen)::text, max(seen)::text, min(local)::text, max(local)::text,
  min(day)::text, max(day)::text,
  sum(length(symbol || isin || side || venue || account))::text, max(md5(symbol || isin || account)),
  min(md5(symbol || isin || account || id))
FROM {source}
"""
"""Of every column something: the same text of both sides, where a sum is of decimals."""


def sql(effort: Effort) -> Outcome:
    """At least 0.8 times the speed of the faster of the two.

    Raises:
        RuntimeError: A contestant failed, or ours wrote anything else than stands in the table.
    """
    rows = _QUICK_ROWS if effort.quick else _ROWS
    rounds = effort.rounds or (2 if effort.quick else _ROUNDS)
    CACHE.mkdir(parents=True, exist_ok=True)
    names = [OURS, ADBC, CONNECTORX]
    taken: dict[str, list[Sample]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as certificates, _served(PrivateCa(Path(certificates))) as server:
        _fill(server, rows)
        for number in range(rounds + 1):
            print(f"PostgreSQL to Parquet: round {number} of {rounds}", file=sys.stderr, flush=True)
            for name in in_turn(names, number):
                with tempfile.TemporaryDirectory(prefix="finport-bench-", dir=CACHE) as folder:
                    taken[name].append(_run(name, server, Path(folder), rows))
                    _check(server, Path(folder) / "measured.parquet", rows, whole=number == 0 and name == OURS)
    samples = {name: every[1:] for name, every in taken.items()}
    facts = {
        "machine": machine(),
        "versions": versions("pyarrow", "adbc-driver-postgresql", "connectorx", "psycopg"),
        "server": f"PostgreSQL {server.version} on this machine, over TLS",
        "input": f"{rows} trades of 14 columns, three of them numeric",
    }
    goals = [Goal(contestant=OURS, reference=_faster(samples), at_most=_AT_MOST, by=By.WALL)]
    return Outcome(title="PostgreSQL to Parquet", samples=samples, goals=goals, facts=facts, unit="rows")


def _faster(samples: dict[str, list[Sample]]) -> str:
    """Of the two others."""
    return min((ADBC, CONNECTORX), key=lambda name: median(sample.wall for sample in samples[name]))


@contextmanager
def _served(ca: PrivateCa) -> Iterator[PostgresqlServer]:
    found = postgresql.find()
    assert isinstance(found, Found), found
    with open_workspace("postgresql", ca=ca) as workspace, postgresql.start(workspace, found) as server:
        yield server


def _fill(server: PostgresqlServer, rows: int) -> None:
    with server.connect() as connection:
        for name, count in (("warm_up", _WARM_UP_ROWS), ("trades", rows)):
            connection.execute(_TABLE.format(name=name, rows=count))
            connection.execute(f"VACUUM ANALYZE {name}")


def _run(name: str, server: PostgresqlServer, folder: Path, rows: int) -> Sample:
    if server.ca_path is None:
        raise RuntimeError("this PostgreSQL has no TLS: install the system's")
    address = {
        "host": server.host,
        "port": str(server.port),
        "database": "postgres",
        "user": server.user,
        "password": server.password,
        "ca_file": str(server.ca_path),
    }
    command = [sys.executable, "-m", "benchmarks.collect.contestants.table", name, str(folder)]
    environment = {**os.environ, "BENCHMARK_ADDRESS": json.dumps(address)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return Sample(**json.loads(done.stdout.splitlines()[-1]), work=rows)


def _check(server: PostgresqlServer, path: Path, rows: int, *, whole: bool) -> None:
    """Of all contestants the rows are counted; of ours once every column is compared with the table."""
    count = pq.read_metadata(path).num_rows
    if count != rows:
        raise RuntimeError(f"{path} holds {count} rows of {rows}")
    if whole:
        stands, written = _facts_of_table(server), _facts_of_file(path)
        if stands != written:
            raise RuntimeError(f"the file differs from the table:\n{written}\n{stands}")


def _facts_of_table(server: PostgresqlServer) -> tuple[Any, ...]:
    with server.connect() as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        (found,) = connection.execute(_FACTS.format(source="trades")).fetchall()
    return tuple(found)


def _facts_of_file(path: Path) -> tuple[Any, ...]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        (found,) = connection.execute(_FACTS.format(source=f"'{path}'")).fetchall()
    return tuple(found)
