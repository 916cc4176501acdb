"""CSV, TSV, PSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from tests.conformance.formats.adapters import Row, Sample, bad_line


def _delimited(delimiter: str) -> Callable[[Sequence[Row]], bytes]:
    def write(rows: Sequence[Row]) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([[text or "" for text in row.values()] for row in rows])
        return out.getvalue().encode()

    return write


def _delimited_sample(delimiter: str, suffix: str) -> Sample:
    write = _delimited(delimiter)
    return Sample(
        write=write,
        suffix=suffix,
        with_a_bad_record=bad_line(write, delimiter.join("123456789").encode() + b"\n", after=2),
        of_no_records=delimiter.join(["id", "name", "amount"]).encode() + b"\n",
        empty_text_is_null=True,
    )


SAMPLES = {
    "csv": _delimited_sample(",", ".csv"),
    "psv": _delimited_sample("|", ".psv"),
    "tsv": _delimited_sample("\t", ".tsv"),
}
