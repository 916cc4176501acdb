"""JSON and JSON lines: exact tokens, nested values as they were written, bad records alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin, RawFile
from finport_ingestion.engine.convert.reading.json_stream import read_lines
from finport_ingestion.engine.convert.reading.json_texts import plain_number
from finport_ingestion.engine.convert.reading.json_whole import read_document
from finport_ingestion.engine.errors import ConfigError, FormatError


def raw(tmp_path: Path, content: bytes | str, **fields: Any) -> RawFile:
    content = content.encode() if isinstance(content, str) else content
    path = tmp_path / "in.json"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="in.json", size_bytes=len(content), **fields)


def document(
    tmp_path: Path, content: bytes | str, path: str | None = None
) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    return _all(list(read_document(raw(tmp_path, content), path=path)))


def lines(tmp_path: Path, content: bytes | str) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    return _all(list(read_lines(raw(tmp_path, content))))


def _all(batches: list[Batch]) -> tuple[list[dict[str, Any]], list[BadRecord]]:
    rows = [row for batch in batches for row in batch.columns.to_pylist()]
    return rows, [bad for batch in batches for bad in batch.bad]


def test_numbers_are_their_tokens_and_nothing_is_a_float(tmp_path: Path) -> None:
    rows, _ = document(tmp_path, '[{"a": 1.10, "b": 12345678901234567890.123456789, "c": 1e-7, "d": true, "e": null}]')
    assert rows == [{"a": "1.10", "b": "12345678901234567890.123456789", "c": "0.0000001", "d": "true", "e": None}]


def test_nested_values_keep_their_tokens_and_order(tmp_path: Path) -> None:
    rows, _ = document(tmp_path, '[{"n": {"z": 1.10, "a": [1e5, null, "x\\"y", false]}}]')
    assert rows == [{"n": '{"z":1.10,"a":[1e5,null,"x\\"y",false]}'}]


def test_what_a_value_was_is_told(tmp_path: Path) -> None:
    batch = next(read_document(raw(tmp_path, '[{"s": "1", "n": 1, "b": true, "l": []}, {"s": 2}]'), path=None))
    assert batch.origins["s"] == {Origin.STRING, Origin.NUMBER}
    assert batch.origins["n"] == {Origin.NUMBER}
    assert batch.origins["b"] == {Origin.BOOLEAN}
    assert batch.origins["l"] == {Origin.NESTED}


def test_keys_that_come_late_or_not_at_all_are_null(tmp_path: Path) -> None:
    rows, _ = document(tmp_path, '[{"a": 1}, {"b": 2, "a": 3}, {}]')
    assert rows == [{"a": "1", "b": None}, {"a": "3", "b": "2"}, {"a": None, "b": None}]


def test_records_are_found_by_path(tmp_path: Path) -> None:
    text = '{"data": {"rows": [{"a": 1}]}, "next": null}'
    assert document(tmp_path, text, "data.rows")[0] == [{"a": "1"}]
    assert document(tmp_path, '{"x": {"a": 1}, "y": {"a": 2}}', "values(@)")[0] == [{"a": "1"}, {"a": "2"}]
    assert document(tmp_path, '{"a": 1}')[0] == [{"a": "1"}]
    with pytest.raises(FormatError, match=r"'items' finds nothing; there is data, next"):
        document(tmp_path, text, "items")
    with pytest.raises(FormatError, match="neither an object nor a list"):
        document(tmp_path, '{"a": 1}', "a")
    with pytest.raises(ConfigError, match="no JMESPath"):
        document(tmp_path, text, "data[")


def test_lists_are_columns_by_position(tmp_path: Path) -> None:
    assert document(tmp_path, "[[1, 2], [3, 4]]")[0][1] == {"column_1": "3", "column_2": "4"}


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"n": {"a": 1, "a": 2}}', "duplicate_key"),
        ('{"a": NaN}', "not_a_number"),
        ('{"a": [Infinity]}', "not_a_number"),
        ('{"a": "\\ud800"}', "encoding"),
        ('{"a": "x\\u0000"}', "nul_character"),
        ('{"\\udc00": 1}', "encoding"),
        ("5", "not_an_object"),
        ("null", "not_an_object"),
    ],
)
def test_a_record_that_means_nothing_for_sure_is_set_aside(tmp_path: Path, record: str, rule: str) -> None:
    for rows, bad in (
        document(tmp_path, f'[{{"a": 1}}, {record}, {{"a": 3}}]'),
        lines(tmp_path, f'{{"a": 1}}\n{record}\n{{"a": 3}}\n'),
    ):
        assert [row["a"] for row in rows] == ["1", "3"]
        assert [(found.row, found.rule) for found in bad] == [(2, rule)]


def test_a_line_that_is_not_json_costs_itself_only(tmp_path: Path) -> None:
    rows, bad = lines(tmp_path, '{"id":1}\n{"id":2\n\n{"id":"é"}\n'.encode() + b'{"id":\xff}')
    assert [row["id"] for row in rows] == ["1", "é"]
    assert [(found.row, found.rule, found.text) for found in bad] == [
        (2, "not_json", '{"id":2'),
        (4, "encoding", '{"id":\\xff}'),
    ]
    assert bad[0].reason.startswith("line 2, column ")
    assert bad[1].reason.startswith("line 5, ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("<html><body>503</body></html>", "an HTML page"),
        ('[{"a": 1}', "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ("[" * 200_000, "nested too deep"),
        ("a,b\n1,2\n", "not JSON"),
        (b"\x1f\x8b\x08\x00", "gzip-compressed"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(tmp_path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        document(tmp_path, content)


def test_a_cut_document_says_where(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        document(tmp_path, '[{"é": 1}, {"a')
    assert caught.value.offset_bytes == 13
    assert "cut" in (caught.value.hint or "")
    with pytest.raises(FormatError) as caught:
        document(tmp_path, '{"a": 1}\n{"a": 2}')
    assert "ndjson" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("\n\n", "blank lines"), ("a,b\n1,2\n", "no line is a JSON"), ("<html/>", "an HTML page")],
)
def test_what_is_no_lines_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        lines(tmp_path, content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_found_out(tmp_path: Path, encoding: str) -> None:
    text = '{"name": "Zürich €"}'
    assert document(tmp_path, text.encode(encoding))[0] == [{"name": "Zürich €"}]
    assert lines(tmp_path, f"{text}\n{text}\n".encode(encoding))[0] == [{"name": "Zürich €"}] * 2


def test_an_empty_list_is_a_document_of_no_records(tmp_path: Path) -> None:
    assert document(tmp_path, "[]") == ([], [])


@pytest.mark.parametrize(
    ("token", "plain"),
    [("1E2", "100"), ("-1.50e-3", "-0.00150"), ("1e99", "1e99"), ("1e-999999999", "1e-999999999"), ("7", "7")],
)
def test_exponents_are_written_out_where_that_is_exact(token: str, plain: str) -> None:
    assert plain_number(token) == plain
    assert Decimal(plain) == Decimal(token)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(
        st.dictionaries(st.text("abcé", min_size=1, max_size=2), _JSON, max_size=4), min_size=1, max_size=5
    )
)
def test_documents_and_lines_hold_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("json")
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    whole, _ = document(folder, f"[{','.join(json.dumps(record) for record in records)}]")
    streamed, _ = lines(folder, text)
    assert whole == streamed
    for record, row in zip(records, whole, strict=True):
        for key, value in record.items():
            if isinstance(value, str) or value is None:
                assert row[key] == value
            else:
                assert json.loads(row[key]) == value
