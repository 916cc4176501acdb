"""JSON lines on the fast way: the very records of the exact one, whatever stands in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.evidence import Look
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin, RawFile
from finport_ingestion.engine.convert.look import look
from finport_ingestion.engine.convert.reading.json_fast import read_lines_ahead, sample_lines
from finport_ingestion.engine.convert.reading.json_stream import read_lines
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits

Read = tuple[list[tuple[int, dict[str, Any]]], list[BadRecord], dict[str, set[Origin]]]


def raw(folder: Path, content: bytes, **fields: Any) -> RawFile:
    path = folder / "in.ndjson"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="in.ndjson", size_bytes=len(content), **fields)


def prepare(columns: pa.RecordBatch, origins: Mapping[str, frozenset[Origin]] | None = None) -> Mapping[str, Look]:
    stated = origins or {}
    return {name: look(columns.column(name), origins=stated[name]) for name in columns.schema.names}


def fast(file: RawFile, *, window_bytes: int = 4096) -> list[Batch]:
    return list(read_lines_ahead(file, prepare=prepare, threads=2, window_bytes=window_bytes))


def told(batches: Iterator[Batch] | list[Batch]) -> Read:
    """Records by number without their nulls, what was set aside, and the origins of each column."""
    rows: list[tuple[int, dict[str, Any]]] = []
    bad: list[BadRecord] = []
    origins: dict[str, set[Origin]] = {}
    for batch in batches:
        batch.columns.validate(full=True)
        for number, row in zip(batch.rows.to_pylist(), batch.columns.to_pylist(), strict=True):
            rows.append((number, {name: value for name, value in row.items() if value is not None}))
        bad.extend(batch.bad)
        for name, found in batch.origins.items():
            origins.setdefault(name, set()).update(found)
    return rows, bad, origins


def same(folder: Path, content: bytes) -> Read:
    """What the fast way reads, which must be what the exact one reads, in windows of any size."""
    file = raw(folder, content)
    wanted = told(read_lines(file))
    for size in (64, 500, 1 << 20):
        assert told(fast(file, window_bytes=size)) == wanted
    return wanted


def is_fast(folder: Path, content: bytes) -> bool:
    """Whether the fast way vouches for the whole content."""
    file = raw(folder, content)
    only = told(fast(file, window_bytes=1 << 20))
    assert only == told(read_lines(file))
    return all(batch.looked or (not batch.bad and _all_text(batch)) for batch in fast(file, window_bytes=1 << 20))


def _all_text(batch: Batch) -> bool:
    return all(found <= {Origin.STRING} for found in batch.origins.values())


TRADES = b"".join(
    b'{"id":%d,"at":"2026-01-02T09:30:00.%06dZ","symbol":"AB%d","price":%d.%02d,"open":%s,"note":%s}\n'
    % (
        number,
        number,
        number % 7,
        number,
        number % 100,
        b"true" if number % 3 else b"false",
        b'"x"' if number % 2 else b"null",
    )
    for number in range(500)
)


def test_alike_lines_are_read_as_the_exact_way_reads_them(tmp_path: Path) -> None:
    rows, bad, origins = same(tmp_path, TRADES)
    assert len(rows) == 500
    assert not bad
    assert rows[1][1] == {
        "id": "1",
        "at": "2026-01-02T09:30:00.000001Z",
        "symbol": "AB1",
        "price": "1.01",
        "open": "true",
        "note": "x",
    }
    assert origins["price"] == {Origin.NUMBER}
    assert origins["open"] == {Origin.BOOLEAN}
    assert is_fast(tmp_path, TRADES)


def test_numbers_are_looked_at_where_they_are_parsed(tmp_path: Path) -> None:
    [batch] = fast(raw(tmp_path, b'{"a":1.10,"b":12345678901234567890}\n{"a":2,"b":1}\n'))
    assert batch.columns.to_pylist() == [{"a": "1.10", "b": "12345678901234567890"}, {"a": "2", "b": "1"}]
    evidence = batch.looked["a"].evidence
    assert (evidence.digits, evidence.scale) == (1, 2)
    assert evidence.origins == frozenset({Origin.NUMBER})
    assert batch.looked["b"].evidence.digits == 20


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":"x, y","b":1}',
        b'{"a":"tab\\tand \\"quotes\\", and \\u00e9\\\\","b":1}',
        b'{"a":"\\\\","b":1}',
        b'{"a":"","b":-0.5}',
        '{"a":"Zürich, 日本","b":0}'.encode(),
        b'{"a":null,"b":null}',
        b'{"a":"ends with a brace}","b":12.50}',
    ],
)
def test_commas_escapes_and_nulls_are_read_fast_too(tmp_path: Path, line: bytes) -> None:
    content = b'{"a":"plain","b":7}\n' + line + b"\n"
    same(tmp_path, content)
    assert is_fast(tmp_path, content)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":"x","b":1e3}',  # exponents are written out
        b'{"a":"x","b":01}',
        b'{"a":"x","b":+1}',
        b'{"a":"x","b":.5}',
        b'{"a":"x","b":-.5}',
        b'{"a":"x","b":5.}',
        b'{"a":"x","b":-}',
        b'{"a":"x","b":0x1F}',
        b'{"a":"x","b":1 }',
        b'{"a":"x","b":NaN}',
        b'{"a":"x","b":"1"}',
        b'{"a":"x","b":true}',
        b'{"a":1,"b":1}',
        b'{"a":[1],"b":1}',
        b'{"a":{},"b":1}',
        b'{"a":[1,2],"b":1}',
        b'{"b":1,"a":"x"}',
        b'{"a":"x","a":"y"}',
        b'{"a":"x"}',
        b'{"a":"x","b":1,"c":2}',
        b'{ "a":"x","b":1}',
        b'{"a":"x","b":1} ',
        b'{"a":"x","b":1}x',
        b'{"a":"x","b":1',
        b'{"a":"x"y","b":1}',
        b'{"a":"x\\","b":1}',
        b'{"a":"x\\q","b":1}',
        b'{"a":"\\ud800","b":1}',
        b'{"a":"\\u0000","b":1}',
        b'{"a":"a\x01b","b":1}',
        b'{"a":"a\x00b","b":1}',
        b'{"a":"a\x1fb, c","b":1}',
        b'{"a":"\xff","b":1}',
        b'{"a":nul,"b":1}',
        b'{"a":"x","b":tru}',
        b'\xef\xbb\xbf{"a":"x","b":1}',
        b"",
        b"  ",
        b"5",
        b"[]",
    ],
)
def test_what_departs_from_its_neighbours_is_read_as_the_exact_way_reads_it(tmp_path: Path, line: bytes) -> None:
    plain = b'{"a":"plain","b":7}\n'
    same(tmp_path, plain * 40 + line + b"\n" + plain * 40)
    same(tmp_path, plain + line)


def test_a_bad_line_is_named_by_its_own_line_behind_fast_windows(tmp_path: Path) -> None:
    content = TRADES + b"\n\n" + b'{"id": \n' + TRADES
    _, bad, _ = told(fast(raw(tmp_path, content), window_bytes=4096))
    assert [(found.row, found.reason.split(",")[0]) for found in bad] == [(501, "line 503")]


@pytest.mark.parametrize("ending", [b"\r\n", b"\r", b"\n"])
def test_line_ends_of_every_kind(tmp_path: Path, ending: bytes) -> None:
    rows, _, _ = same(tmp_path, TRADES.replace(b"\n", ending))
    assert len(rows) == 500


def test_blanks_between_the_tokens_are_part_of_the_pattern(tmp_path: Path) -> None:
    content = b"".join(json.dumps({"a": number, "b": f"x, {number}"}).encode() + b"\n" for number in range(50))
    same(tmp_path, content)
    assert is_fast(tmp_path, content)


def test_a_line_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    limits = ReadLimits.model_validate({"recordBytes": 1 << 16})
    file = raw(tmp_path, b'{"a":"' + b"x" * (1 << 18) + b'"}\n', limits=limits)
    with pytest.raises(FormatError, match="longer than 65536 bytes"):
        fast(file)


def test_other_encodings_and_marks_are_read(tmp_path: Path) -> None:
    text = '{"a":"Zürich"}\n{"a":"日本"}\n'
    for encoding in ("utf-8-sig", "utf-16"):
        rows, _, _ = told(fast(raw(tmp_path, text.encode(encoding))))
        assert [row["a"] for _, row in rows] == ["Zürich", "日本"]


def test_samples_are_records_of_the_file(tmp_path: Path) -> None:
    rows, bad, _ = told(sample_lines(raw(tmp_path, TRADES), size_bytes=2_000))
    known = [row for _, row in told(read_lines(raw(tmp_path, TRADES)))[0]]
    assert not bad
    assert 0 < len(rows) < 500
    assert all(row in known for _, row in rows)


def test_an_empty_file_and_one_that_is_no_json_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is empty"):
        fast(raw(tmp_path, b""))
    with pytest.raises(FormatError, match="no line is a JSON object"):
        fast(raw(tmp_path, b"a,b\n1,2\n"))
    assert fast(raw(tmp_path, b"", may_be_empty=True)) == []


_TOKENS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda value: format(value, "f")),
    st.sampled_from(["true", "false", "null", "1E5", "-0", "0.0", "[1, 2]", '{"x": null}']),
    st.text(max_size=5).map(json.dumps),
    st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    lines=st.lists(st.lists(_TOKENS, min_size=4, max_size=4), min_size=1, max_size=6),
    separator=st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_both_ways_agree_on_whatever_is_written(
    tmp_path: Path, kinds: list[int], lines: list[list[str]], separator: tuple[str, str]
) -> None:
    comma, colon = separator
    text = "".join(
        "{" + comma.join(f'"k{at}"{colon}{tokens[kind]}' for at, kind in enumerate(kinds)) + "}\n" for tokens in lines
    )
    file = raw(tmp_path, text.encode("utf-8", "surrogatepass"))
    try:
        wanted = told(read_lines(file))
    except FormatError:
        with pytest.raises(FormatError):
            fast(file)
        return
    assert told(fast(file)) == wanted
