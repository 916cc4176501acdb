"""How a written Parquet file spells its columns: a dictionary where it pays, and bounded pages and groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.parquet_file import write_parquet

_ROWS = 120_000


def _written(folder: Path, table: pa.Table) -> pq.FileMetaData:
    path = folder / "part.parquet"
    with write_parquet(UPath(path), table.schema) as sink:
        for batch in table.to_batches(max_chunksize=50_000):
            sink.write(batch)
    assert pq.read_table(path).equals(table)
    return pq.read_metadata(path)


@pytest.mark.parametrize(
    ("distinct", "expected"),
    [
        pytest.param(6, True, id="few"),
        pytest.param(20_000, True, id="few-among-all-rows-though-many-among-the-first"),
        pytest.param(80_000, False, id="many"),
        pytest.param(_ROWS, False, id="all"),
    ],
)
def test_texts_get_a_dictionary_where_few_of_all_are_distinct(tmp_path: Path, distinct: int, expected: bool) -> None:
    numbers = np.arange(_ROWS) * 7_919 % distinct  # prime: the first rows hold as many as they can
    table = pa.table({"account": [f"{number:08d}" for number in numbers]})

    column = _written(tmp_path, table).row_group(0).column(0)

    assert column.has_dictionary_page is expected


def test_a_long_table_is_cut_into_groups_that_can_be_read_alone(tmp_path: Path) -> None:
    table = pa.table({"seq": pa.array(range(600_000), pa.int64())})

    found = _written(tmp_path, table)

    assert [found.row_group(at).num_rows for at in range(found.num_row_groups)] == [250_000, 250_000, 100_000]
