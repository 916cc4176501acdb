"""A table of PostgreSQL to one Parquet file (zstd, level 3), in this process: by ours, by ADBC or by connectorx."""

from __future__ import annotations

from benchmarks.convert.contestants.stopwatch import memory_peak, now

begun = now()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Mapping  # noqa: E402
from pathlib import Path  # noqa: E402
from urllib.parse import quote  # noqa: E402

_LEVEL = 3

Address = Mapping[str, str]


def ours(address: Address, table: str, path: Path) -> None:
    """Listed and landed as the collect step does it: in the order of the key, with the file's SHA-256."""
    from upath import UPath

    from finport_ingestion.engine.parquet_file import write_parquet
    from finport_ingestion.engine.sources.sql import SqlSource
    from tests.conformance.sources.access import access, connection

    spec = connection(
        "postgres",
        host=address["host"],
        port=int(address["port"]),
        schema=address["database"],
        login=address["user"],
        secret=address["password"],
    )
    options = SqlSource.Options.model_validate({"protocol": "sql", "table": table})
    source = SqlSource(options, access(spec, seconds=3600, protection={"ca_file": address["ca_file"]}))
    (item,) = source.discover(None)
    batches = source.read(item)
    first = next(batches)
    with write_parquet(UPath(path), first.schema) as sink:
        sink.write(first)
        for batch in batches:
            sink.write(batch)


def adbc(address: Address, table: str, path: Path) -> None:
    """A batch after the other, as the driver cuts them; decimals stay text, as it gives them."""
    import pyarrow.parquet as pq
    from adbc_driver_postgresql import dbapi

    url = f"{_url(address)}?sslmode=verify-full&sslrootcert={quote(address['ca_file'], safe='')}"
    with dbapi.connect(url) as session, session.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(path, reader.schema, compression="zstd", compression_level=_LEVEL) as writer:
            for batch in reader:
                writer.write_batch(batch)


def connectorx(address: Address, table: str, path: Path) -> None:
    """The whole table in memory, then written; decimals as the driver gives them, with ten digits behind the point."""
    import connectorx as cx
    import pyarrow.parquet as pq

    found = cx.read_sql(f"{_url(address)}?sslmode=require", f"SELECT * FROM {table}", return_type="arrow")
    pq.write_table(found, path, compression="zstd", compression_level=_LEVEL)


def _url(address: Address) -> str:
    login = f"{address['user']}:{quote(address['password'], safe='')}"
    return f"postgresql://{login}@{address['host']}:{address['port']}/{address['database']}"


_KINDS: dict[str, Callable[[Address, str, Path], None]] = {"ours": ours, "ADBC": adbc, "connectorx": connectorx}


def main() -> None:
    """Read the small table, so that every import is done; then, from a new login on, the large one."""
    read, address, out = _KINDS[sys.argv[1]], json.loads(os.environ["BENCHMARK_ADDRESS"]), Path(sys.argv[2])
    read(address, "warm_up", out / "warm-up.parquet")
    imported = now()
    path = out / "measured.parquet"
    begin = now()
    read(address, "trades", path)
    end = now()
    told = {
        "wall": end[0] - begin[0],
        "cpu": end[1] - begin[1],
        "imports_wall": imported[0] - begun[0],
        "imports_cpu": imported[1] - begun[1],
        "peak_bytes": memory_peak(os.getpid()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
