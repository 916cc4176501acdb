"""Hive partitions: their paths, their values as text and back, and a batch cut into them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from finport_ingestion.engine.errors import ConfigError, PermanentError

NULL = "__HIVE_DEFAULT_PARTITION__"
Key = tuple[str | None, ...]
_LONGEST_NAME_BYTES = 255


def check_columns(partition_by: Sequence[str], schema: pa.Schema, *, dataset: str) -> None:
    """Raise ConfigError when a column of the partition is missing, or of a type that makes no folder name."""
    for column in partition_by:
        if column not in schema.names:
            raise ConfigError(
                f"{dataset}: partitionBy names column '{column}', which the data has not.",
                hint=f"name one of {', '.join(schema.names)}",
            )
        if not _fit_for_folders(schema.field(column).type):
            raise ConfigError(
                f"{dataset}: partitionBy names column '{column}' of type {schema.field(column).type}.",
                hint="partition by text, whole numbers, decimals, dates or booleans",
            )


def folder_of(partition: Mapping[str, str | None]) -> str:
    """`symbol=BRK%2FB/day=2024-01-02`, or an empty text without a partition."""
    names = [f"{quote(column, safe='')}={_encode(value)}" for column, value in partition.items()]
    for name in names:
        if len(name) > _LONGEST_NAME_BYTES:
            raise PermanentError(
                f"the partition {name[:60]}... is too long for a folder.", hint="partition by another column"
            )
    return "/".join(names)


def expression_of(partition: Mapping[str, str | None], schema: pa.Schema) -> ds.Expression:
    """What holds for every row of a file of this partition."""
    known = [
        ds.field(column).is_null()
        if value is None
        else ds.field(column) == pa.scalar(value).cast(schema.field(column).type)
        for column, value in partition.items()
    ]
    return functools.reduce(operator.and_, known) if known else ds.scalar(True)


def cut(batch: pa.RecordBatch, partition_by: Sequence[str]) -> Iterator[tuple[Key, pa.RecordBatch]]:
    """The rows of each partition, in their order, without the columns of the partition."""
    rest = [name for name in batch.schema.names if name not in partition_by]
    if not partition_by:
        yield (), batch
        return
    texts = [_texts(batch.column(column)) for column in partition_by]
    group = np.zeros(batch.num_rows, dtype=np.int64)
    for text in texts:
        group = group * len(text.dictionary) + text.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    ends = [*starts[1:], batch.num_rows]
    rows = batch.select(rest)
    for start, end in zip(starts, ends, strict=True):
        key = tuple(text.dictionary[text.indices[order[start]].as_py()].as_py() for text in texts)
        # take() copies: a slice would keep the whole batch in memory until its partition is written.
        yield key, rows if end - start == batch.num_rows else rows.take(pa.array(order[start:end]))


def _texts(column: pa.Array) -> pa.DictionaryArray:
    """The values as text, nulls among them."""
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    encoded = plain.dictionary_encode(null_encoding="encode")
    return pa.DictionaryArray.from_arrays(encoded.indices, pc.cast(encoded.dictionary, pa.string()))


def _fit_for_folders(of: pa.DataType) -> bool:
    value = of.value_type if pa.types.is_dictionary(of) else of
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_decimal,
        pa.types.is_date,
        pa.types.is_boolean,
    )
    return any(test(value) for test in tests)


def _encode(value: str | None) -> str:
    if value is None:
        return NULL
    # A text that is spelled as the mark of null must not become null.
    return "%5F" + NULL[1:] if value == NULL else quote(value, safe="")
