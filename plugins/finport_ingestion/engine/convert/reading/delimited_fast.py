"""The fast way through delimited text: Arrow's parser with every column text, for windows that are proved clean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv

from finport_ingestion.engine.convert.reading.dialect import Dialect
from finport_ingestion.engine.convert.reading.windows import Content


def parse(
    window: Content | memoryview, dialect: Dialect, *, width: int, only: Sequence[int] | None = None
) -> pa.RecordBatch | None:
    """The records of `window` as `width` text columns, or None where the exact way must decide.

    Args:
        only: The places of the columns to give; all by default.

    None means a record with another number of fields, or bytes that are not UTF-8. There is no NUL in `window`.
    """
    names = [str(index) for index in range(width)]
    wanted = names if only is None else [names[at] for at in only]
    content = pa.py_buffer(window)
    try:
        _check_utf8(content)
        table = pyarrow.csv.read_csv(
            content,
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(window) + 1, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                double_quote=bool(dialect.quote),
                newlines_in_values=bool(dialect.quote),
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()),
                null_values=list(dialect.nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                include_columns=wanted,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if not table.num_rows:
        return None
    # One block gives one chunk; `combine_chunks` would copy it.
    columns = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays([column.view(pa.string()) for column in columns], names=wanted)


def _check_utf8(content: pa.Buffer) -> None:
    """Of the whole window at once: what is cut at delimiters of ASCII is text wherever the whole is.

    Raises:
        ArrowInvalid: It is not UTF-8.
    """
    ends = pa.py_buffer(np.array([0, content.size], dtype=np.int32))
    pa.Array.from_buffers(pa.binary(), 1, [None, ends, content]).cast(pa.string())
