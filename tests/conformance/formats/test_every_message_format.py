"""What every format with content of its own holds to: statements, payments, layouts; see Message."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, RawFile, Reader
from finport_ingestion.engine.convert.isolation import isolated
from finport_ingestion.engine.convert.recognise import options_of
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FinportError, FormatError
from finport_ingestion.engine.logical import parse_logical
from finport_ingestion.engine.records import Part
from tests.conformance.formats.adapters import Message, formats_with, message_of
from tests.unit.convert.deployment import Delivered, Deployment
from tests.unit.convert.read_bytes import Found

_HEAD_BYTES = 4096
_BLANK = b" \t\r\n\x01"
_COUNTING = "integer"
"""Columns of this type say where a record stands: one unit more changes them."""
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=formats_with(Message))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def message(name: str) -> Message:
    return message_of(name)


def reader(name: str, message: Message, **options: Any) -> Reader:
    plugin = FORMATS.get(name)
    made: Reader = plugin(plugin.Options.model_validate({"format": name, **message.options, **options}))
    return isolated(made) if made.isolated else made


def raw(folder: Path, content: bytes, *, may_be_empty: bool = False) -> RawFile:
    path = folder / "delivered"
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), may_be_empty=may_be_empty)


def read(folder: Path, name: str, content: bytes) -> Found:
    return Found(list(reader(name, message_of(name)).read(raw(folder, content))))


def counts(found: Found, message: Message) -> dict[str, int]:
    """Records by table, of the tables that the sample states."""
    return {table: len(found.rows(table)) for table in message.rows}


def main_of(name: str, found: Found) -> str:
    """The table that a Source gets."""
    return FORMATS.get(name).main_table or found.batches[0].table


def types_of(batches: Sequence[Batch], table: str) -> set[tuple[tuple[str, str], ...]]:
    """Each way in which the table's columns are typed: the types that the format states, or those of Arrow."""
    return {
        tuple((column.name, batch.types.get(column.name) or str(column.type)) for column in batch.columns.schema)
        for batch in batches
        if batch.table == table and batch.columns.num_columns
    }


def content_of(found: Found, table: str) -> list[dict[str, Any]]:
    """The rows without what only counts."""
    types = next(batch.types for batch in found.batches if batch.table == table)
    return [{name: v for name, v in row.items() if types.get(name) != _COUNTING} for row in found.rows(table)]


def test_its_tables_have_all_their_records_numbered_from_one(name: str, message: Message, tmp_path: Path) -> None:
    found = read(tmp_path, name, message.content)
    assert counts(found, message) == dict(message.rows)
    assert {table for table in found.tables if found.rows(table)} <= set(message.rows)
    assert all(found.numbers(table) == list(range(1, count + 1)) for table, count in message.rows.items())
    assert found.bad == []
    assert found.warnings == ""
    assert main_of(name, found) in message.rows


def test_a_reader_may_be_used_again(name: str, message: Message, tmp_path: Path) -> None:
    again, file = reader(name, message), raw(tmp_path, message.content)
    first, second = Found(list(again.read(file))), Found(list(again.read(file)))
    assert [first.rows(table) for table in message.rows] == [second.rows(table) for table in message.rows]


def test_samples_are_records_of_the_file(name: str, message: Message, tmp_path: Path) -> None:
    file = raw(tmp_path, message.many or message.content)
    whole = Found(list(reader(name, message).read(file)))
    some = Found(list(reader(name, message).sample(file, size_bytes=_HEAD_BYTES)))
    main = main_of(name, whole)
    assert some.rows(main)
    every = content_of(whole, main)
    assert all(row in every for row in content_of(some, main))
    assert not message.many or len(some.rows(main)) < len(every)


def test_a_unit_that_cannot_be_taken_is_set_aside_alone(name: str, message: Message, tmp_path: Path) -> None:
    if message.with_a_bad_unit is None:
        pytest.skip("a file of this format is whole or refused")
    whole, found = read(tmp_path, name, message.content), read(tmp_path, name, message.with_a_bad_unit)
    main = main_of(name, whole)
    [bad] = found.bad
    assert bad.rule
    assert bad.reason
    assert bad.text
    assert bad.row > 0
    assert bad.table in message.rows
    assert counts(found, message) == dict(message.rows)
    assert content_of(found, main) == content_of(whole, main)
    # Where records of the unit can be counted each has a number, otherwise the unit has one.
    numbers = found.numbers(bad.table)
    assert numbers == sorted(set(numbers))
    assert bad.row == next(number for number in itertools.count(1) if number not in numbers)


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html><html><body>Please log in</body></html>", b"\x1f\x8b\x08\x00", b"%PDF-1.7", bytes(256) * 4],
    ids=["empty", "html", "gzip", "pdf", "zeros"],
)
def test_what_is_no_such_file_is_refused_with_place_and_fix(
    name: str, message: Message, tmp_path: Path, content: bytes
) -> None:
    file = raw(tmp_path, content)
    for batches in (reader(name, message).read(file), reader(name, message).sample(file, size_bytes=1 << 16)):
        with pytest.raises(FormatError, match="landing/delivered: ") as caught:
            list(batches)
        assert caught.value.hint


def test_an_empty_file_is_no_records_where_the_policy_says_so(name: str, message: Message, tmp_path: Path) -> None:
    if not message.empty_is_valid:
        pytest.skip("an empty file of this format is a damaged one")
    found = Found(list(reader(name, message).read(raw(tmp_path, b"", may_be_empty=True))))
    assert sum(counts(found, message).values()) == 0
    assert found.bad == []


def test_columns_have_the_same_valid_types_whatever_the_file_holds(name: str, message: Message, tmp_path: Path) -> None:
    whole = list(reader(name, message).read(raw(tmp_path, message.content)))
    stated = {logical for batch in whole for logical in batch.types.values()}
    assert {str(parse_logical(logical)) for logical in stated} == stated
    empty = list(reader(name, message).read(raw(tmp_path, b"", may_be_empty=True))) if message.empty_is_valid else []
    bare = read(tmp_path, name, message.of_no_records).batches if message.of_no_records is not None else ()
    for table in message.rows:
        [types] = types_of(whole, table)
        assert types_of(empty, table) <= {types}
        assert types_of(bare, table) <= {types}
    for found in filter(None, (empty, bare)):
        assert types_of(found, main_of(name, Found(whole)))


def test_a_file_of_no_records_is_valid(name: str, message: Message, tmp_path: Path) -> None:
    if message.of_no_records is None:
        pytest.skip("the format has no such file")
    found = read(tmp_path, name, message.of_no_records)
    assert found.rows(main_of(name, found)) == []
    assert found.bad == []


@many
@given(share=st.floats(0.001, 0.999))
def test_a_cut_file_is_refused_or_says_what_is_missing(
    name: str, message: Message, tmp_path: Path, share: float
) -> None:
    content = message.content[: int(len(message.content) * share)]
    try:
        found = read(tmp_path, name, content)
    except FormatError:
        return
    whole = read(tmp_path, name, message.content)
    if all(found.rows(table) == whole.rows(table) for table in message.rows):
        return
    assert not message.cut_is_refused
    valid = any(content.strip(_BLANK) == given.strip(_BLANK) for given in message.beginnings)
    assert found.bad or found.warnings or valid
    # The record at the cut may be there, with a warning; those before it are as they were.
    main = main_of(name, whole)
    before = found.rows(main)[:-1]
    assert before == whole.rows(main)[: len(before)]


@many
@given(place=st.floats(0, 0.999), junk=st.binary(min_size=1, max_size=8))
def test_damage_is_a_finding_and_never_a_crash(
    name: str, message: Message, tmp_path: Path, place: float, junk: bytes
) -> None:
    at = int(len(message.content) * place)
    # Any other error than ours would be a crash.
    with contextlib.suppress(FinportError):
        read(tmp_path, name, message.content[:at] + junk + message.content[at + len(junk) :])


def deliveries(message: Message) -> Iterator[bytes]:
    """The file, its beginning, and the same in other encodings."""
    yield message.content
    yield (message.many or b"")[:_HEAD_BYTES] or message.content
    yield message.content[: min(_HEAD_BYTES, len(message.content) * 3 // 4)]
    if message.text is not None:
        yield from (message.text.encode(encoding) for encoding in _ENCODINGS)


def test_its_files_are_recognised(name: str, message: Message, tmp_path: Path) -> None:
    for content in deliveries(message):
        file = raw(tmp_path, content)
        for uri in ("landing/delivered", f"landing/x{message.suffix}", "landing/x.csv"):
            part = Part(uri=uri, format="raw", size_bytes=1, sha256="", item="x", sequence=0)
            assert options_of(part, raw=file, stated=None).format == name, (uri, content[:80])


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_text_reads_alike_in_any_encoding(name: str, message: Message, tmp_path: Path, encoding: str) -> None:
    if message.text is None or (encoding == "cp1252" and message.suffix in (".camt", ".xbrl", ".xhtml")):
        pytest.skip("no text, or of a syntax whose text is utf-8 unless it states another encoding")
    found, whole = read(tmp_path, name, message.text.encode(encoding)), read(tmp_path, name, message.content)
    assert [found.rows(table) for table in message.rows] == [whole.rows(table) for table in message.rows]


def test_a_run_converts_its_tables(name: str, message: Message, tmp_path: Path) -> None:
    convert = {"format": name, **message.options}
    default = Deployment(tmp_path / "default", convert=convert).run(Delivered(message.content, suffix=message.suffix))
    main = main_of(name, read(tmp_path, name, message.content))
    assert len(default.table) == message.rows[main]
    assert default.manifest.rejects == ()
    for table in filter(None, message.rows):
        chosen = Deployment(tmp_path / table, convert={**convert, "table": table}).run(
            Delivered(message.content, suffix=message.suffix)
        )
        assert len(chosen.table) == message.rows[table]
        assert table != main or chosen.types == default.types
