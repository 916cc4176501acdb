"""Lists of plain objects in the fast way: what the exact way gives, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.json_document import Where, batches, find
from finport_ingestion.engine.convert.reading.json_list import read_list
from finport_ingestion.engine.convert.reading.json_texts import DECODER
from finport_ingestion.engine.convert.reading.json_whole import read_document
from finport_ingestion.engine.errors import FormatError

SOURCE = RawFile(path=UPath("/nowhere"), uri="landing/list.json", size_bytes=1)
TEXTS = st.sampled_from(
    ["", "a", "}, {", "},{", "]", "[", "\\", '"', "a,b", "\n", "\u00e9", "\x1f", "{", "1", "\U0001f600"]
)
VALUES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXTS
STYLES: list[dict[str, Any]] = [
    {},
    {"separators": (",", ":")},
    {"indent": 2},
    {"indent": "\t"},
    {"ensure_ascii": False},
]


def rows(found: list[Batch]) -> list[dict[str, Any]]:
    return [row for batch in found for row in batch.columns.to_pylist()]


def exactly(content: bytes) -> list[dict[str, Any]]:
    return rows(list(batches(find(DECODER.decode(content.decode()), where=Where(), raw=SOURCE), raw=SOURCE)))


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(["a", "b", "c d", "}"]), min_size=1, max_size=3, unique=True))
    kinds = [draw(st.sampled_from([TEXTS, st.integers(-9, 10**19), st.booleans(), VALUES])) for _ in names]
    records = draw(st.lists(st.fixed_dictionaries(dict(zip(names, kinds, strict=True))), min_size=1, max_size=12))
    return json.dumps(records, **draw(st.sampled_from(STYLES))).encode()


@settings(max_examples=300, deadline=None)
@given(documents(), st.integers(20, 400))
def test_the_fast_way_gives_what_the_exact_way_gives(content: bytes, window: int) -> None:
    found = read_list(content, window_bytes=window)
    if found is not None:
        assert rows(list(found)) == exactly(content)
        assert [number for batch in found for number in batch.rows.to_pylist()] == [
            *range(1, len(exactly(content)) + 1)
        ]


@settings(max_examples=300, deadline=None)
@given(documents(), st.integers(0, 200), st.sampled_from([b"", b",", b"}", b"{", b"]", b'"', b"\n", b" x ", b"[1]"]))
def test_what_is_no_json_is_never_read(content: bytes, at: int, put: bytes) -> None:
    damaged = content[:at] + put + content[at + 1 :]
    found = read_list(damaged)
    if found is not None:
        assert rows(list(found)) == exactly(damaged)  # which raises where it is no JSON


@pytest.mark.parametrize("style", STYLES)
def test_a_large_list_is_read_in_windows(style: dict[str, Any]) -> None:
    records = [{"id": f"{n:05d}", "amount": n, "text": "},{" if n % 7 else '"', "ok": n % 2 == 0} for n in range(999)]
    found = read_list(json.dumps(records, **style).encode(), window_bytes=10_000)
    assert found is not None
    assert len(found) > 3
    assert rows(list(found)) == exactly(json.dumps(records).encode())


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[1]", '[{"a": 1}, 2]', '[{"a": 1} {"a": 2}]', '[{"a": 1},, {"a": 2}]', '[{"a": 1},]'),
        *('[{"a": {"b": 1}}]', '[{"a": [1]}]', '[{"a": NaN}]', '[{"a": 1}]]', '[{"a": 1}] x', '[[{"a": 1}]'),
        *('[{"a": 1}{"a": 2},]', '[{"a": 1, "a": 2}]', '[{"a": "x\ny"}]', '[{"a": 1}', '{"a": 1}]', '[,{"a": 1}]'),
    ],
)
def test_anything_else_is_left_to_the_exact_way(text: str) -> None:
    assert read_list(text.encode()) is None


def raw_of(folder: Path, text: str) -> RawFile:
    path = folder / "list.json"
    path.write_text(text, encoding="utf-8")
    return RawFile(path=UPath(path), uri="landing/list.json", size_bytes=path.stat().st_size)


def test_a_large_document_goes_the_fast_way_and_is_sampled(tmp_path: Path) -> None:
    records = [{"n": n, "account": f"{n:08d}"} for n in range(20_000)]
    raw = raw_of(tmp_path, json.dumps(records))
    assert rows(list(read_document(raw))) == [{"n": str(r["n"]), "account": r["account"]} for r in records]
    sampled = rows(list(read_document(raw, only_sample=True)))
    assert sampled[0]["n"] == "0"
    assert len(sampled) < len(records)
    assert all(isinstance(batch.columns, pa.RecordBatch) for batch in read_document(raw))


def test_a_fault_at_the_end_of_a_large_document_is_told_with_its_place(tmp_path: Path) -> None:
    text = json.dumps([{"n": n, "account": f"{n:08d}"} for n in range(20_000)], indent=0)
    with pytest.raises(FormatError, match=r"line \d{5}, column"):
        list(read_document(raw_of(tmp_path, text[:-40] + "}" + text[-40:])))
