"""lxml: one iterparse over the records, their texts cast by pyarrow and written by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from lxml import etree  # noqa: E402

_ROWS = 65_536
_SCHEMA = pa.schema(
    {
        "trade_id": pa.int64(),
        "ts": pa.timestamp("us"),
        "symbol": pa.string(),
        "isin": pa.string(),
        "side": pa.string(),
        "price": pa.decimal128(18, 4),
        "quantity": pa.int64(),
        "amount": pa.decimal128(18, 2),
        "venue": pa.string(),
        "account": pa.string(),
        "fee": pa.decimal128(18, 2),
        "trade_date": pa.date32(),
        "seq": pa.int64(),
        "party": pa.string(),
    }
)


def convert(source: Path, out: Path) -> list[Path]:
    """The attribute and the children of every `trade`."""
    target = out / "trades.parquet"
    with pq.ParquetWriter(target, _SCHEMA, compression="zstd", compression_level=3) as writer:
        for columns in _columns(source):
            arrays = [pa.array(columns[field.name], pa.string()).cast(field.type) for field in _SCHEMA]
            writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), row_group_size=_ROWS)
    return [target]


def _columns(source: Path) -> Iterator[dict[str, list[str | None]]]:
    columns: dict[str, list[str | None]] = {name: [] for name in _SCHEMA.names}
    ids = columns["trade_id"]
    for _, element in etree.iterparse(str(source), events=("end",), tag="trade"):
        ids.append(element.get("trade_id"))
        for child in element:
            columns[child.tag].append(child.text)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
        if len(ids) == _ROWS:
            yield columns
            for values in columns.values():
                values.clear()
    if ids:
        yield columns


if __name__ == "__main__":
    compare(begun, {"xml": convert})
