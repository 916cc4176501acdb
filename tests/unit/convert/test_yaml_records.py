"""YAML as data: what is written is what is read, and nothing is obeyed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.yaml_records import YamlFormat, YamlOptions
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, Origin, RawFile
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits


def batches(folder: Path, content: bytes | str, *, records: str | None = None, **fields: Any) -> list[Batch]:
    content = content.encode() if isinstance(content, str) else content
    path = folder / "in.yaml"
    path.write_bytes(content)
    file = RawFile(path=UPath(path), uri="in.yaml", size_bytes=len(content), **fields)
    return list(YamlFormat(YamlOptions(format="yaml", records=records)).read(file))


def read(folder: Path, content: bytes | str, **fields: Any) -> list[dict[str, Any]]:
    return [row for batch in batches(folder, content, **fields) for row in batch.columns.to_pylist()]


def bad(folder: Path, content: str) -> list[BadRecord]:
    return [found for batch in batches(folder, content) for found in batch.bad]


def likeness(text: str, *, name: str = "") -> float:
    found = YamlFormat.recognises(Head(content=text.encode(), text=text, whole=True, name=name))
    return found.confidence if found else 0.0


@pytest.mark.parametrize(
    ("written", "text", "origin"),
    [
        ("NO", "NO", Origin.STRING),
        ("no", "no", Origin.STRING),
        ("on", "on", Origin.STRING),
        ("12:30", "12:30", Origin.STRING),
        ("0123", "0123", Origin.STRING),
        ("037833100", "037833100", Origin.STRING),
        ("2024-01-31", "2024-01-31", Origin.STRING),
        ("1_000", "1_000", Origin.STRING),
        ("'1.10'", "1.10", Origin.STRING),
        ('"null"', "null", Origin.STRING),
        ("!!str 5", "5", Origin.STRING),
        (".inf", ".inf", Origin.STRING),
        ("1.10", "1.10", Origin.NUMBER),
        ("60.47202399999999", "60.47202399999999", Origin.NUMBER),
        ("12345678901234567890.123456789", "12345678901234567890.123456789", Origin.NUMBER),
        ("+5", "5", Origin.NUMBER),
        ("-.5", "-0.5", Origin.NUMBER),
        ("5.", "5", Origin.NUMBER),
        ("1e3", "1000", Origin.NUMBER),
        ("0x1F", "31", Origin.NUMBER),
        ("0o17", "15", Origin.NUMBER),
        ("true", "true", Origin.BOOLEAN),
        ("False", "false", Origin.BOOLEAN),
        ("~", None, None),
        ("", None, None),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(tmp_path: Path, written: str, text: str | None, origin: Origin | None) -> None:
    [batch] = batches(tmp_path, f"- a: {written}\n  b: x\n")
    assert batch.columns.to_pylist() == [{"a": text, "b": "x"}]
    assert batch.origins.get("a", frozenset()) == ({origin} if origin else set())


def test_records_are_a_list_a_map_of_maps_a_mapping_or_documents(tmp_path: Path) -> None:
    assert read(tmp_path, "- a: 1\n- a: 2\n") == [{"a": "1"}, {"a": "2"}]
    keyed = read(tmp_path, "NO:\n  name: Norway\nSE:\n  name: Sweden\n")
    assert keyed == [{"_key": "NO", "name": "Norway"}, {"_key": "SE", "name": "Sweden"}]
    assert read(tmp_path, "a: 1\nb: x\n") == [{"a": "1", "b": "x"}]
    assert read(tmp_path, "---\na: 1\n---\na: 2\n...\n") == [{"a": "1"}, {"a": "2"}]
    assert read(tmp_path, "---\n- a: 1\n---\n- a: 2\n") == [{"a": "1"}, {"a": "2"}]
    assert read(tmp_path, "%YAML 1.1\n---\na: 1\n") == [{"a": "1"}]
    assert read(tmp_path, "top:\n  rows:\n  - a: 1\n", records="top.rows") == [{"a": "1"}]


def test_keys_are_the_text_that_spells_them(tmp_path: Path) -> None:
    assert read(tmp_path, "- 1: a\n  true: b\n  NO: c\n  ~: d\n") == [{"1": "a", "true": "b", "NO": "c", "~": "d"}]


def test_nested_values_are_json_text(tmp_path: Path) -> None:
    assert read(tmp_path, "- a: [1.10, NO, {x: null}]\n  b: y\n") == [{"a": '[1.10,"NO",{"x":null}]', "b": "y"}]


def test_aliases_and_merge_keys_are_written_out(tmp_path: Path) -> None:
    text = "- &base {a: 1, b: 2}\n- <<: *base\n  b: 3\n- c: *base\n"
    assert read(tmp_path, text) == [
        {"a": "1", "b": "2", "c": None},
        {"a": "1", "b": "3", "c": None},
        {"a": None, "b": None, "c": '{"a":1,"b":2}'},
    ]


def test_breaks_that_only_yaml_1_1_knows_stay_in_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, "- a: x\u2028y\u0085z\n  b: 'p\u2029q'\n") == [{"a": "x\u2028y\u0085z", "b": "p\u2029q"}]


def test_a_key_that_stands_twice_sets_its_record_aside(tmp_path: Path) -> None:
    found = bad(tmp_path, "- a: 1\n- a: 2\n  a: 3\n- a: 4\n")
    assert [(one.row, one.rule) for one in found] == [(2, "duplicate_key")]


def test_a_document_that_is_broken_costs_itself_only(tmp_path: Path) -> None:
    text = "---\na: 1\n---\nb: [1\n---\na: 3\n"
    assert read(tmp_path, text) == [{"a": "1"}, {"a": "3"}]
    [found] = bad(tmp_path, text)
    assert found.row == 3
    assert found.reason.startswith("line 4, column ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object:os.system x\n", "line 1, column 4: the tag .* is not obeyed"),
        ("- !custom {a: 1}\n", "line 1, column 3: the tag"),
        ("a: &x [*x]\n", "the alias '\\*x' stands inside what it names"),
        ("a: *nobody\n", "no YAML|names nothing|alias"),
        ("? [1, 2]\n: x\n", "a key that is a list or a mapping"),
        ("<<: 5\na: 1\n", "a merge key"),
        ("a: 'x\n", "not YAML"),
        ("a: b: c\n", "line 1, column 5: not YAML"),
        ("", "is empty"),
        ("# nothing\n", "holds no values"),
        ("<html><body>503</body></html>", "an HTML page"),
        ("x: \x01\n", "not YAML"),
    ],
)
def test_what_is_refused_says_where_and_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.hint


def test_bytes_that_are_no_text_say_where(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2, byte "):
        read(tmp_path, "- a: é\n- b: é\n".encode().replace("b: é".encode(), b"b: \xe9\xc3\xa9"))


def test_a_bomb_of_aliases_is_refused_before_it_is_large(tmp_path: Path) -> None:
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 40))
    began = time.process_time()
    with pytest.raises(FormatError, match="aliases stand for more than"):
        read(tmp_path, text)
    assert time.process_time() - began < 2


def test_nesting_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nested more than 100 deep"):
        read(tmp_path, "a: " + "[" * 200 + "]" * 200)
    with pytest.raises(FormatError, match="nested"):
        read(tmp_path, "[" * 100_000)
    limits = ReadLimits.model_validate({"nesting": 3})
    with pytest.raises(FormatError, match="nested more than 3 deep"):
        read(tmp_path, "- a: [[1]]\n", limits=limits)


def test_a_file_larger_than_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="held in memory"):
        read(tmp_path, "a: 1\nb: 2\n", limits=ReadLimits.model_validate({"wholeFileBytes": 5}))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("---\na: 1\nb: 2\n", 0.9, 1),
        ("%YAML 1.2\n---\na: 1\n", 0.9, 1),
        ("- name: x\n  code: y\n- name: z\n  code: w\n", 0.8, 1),
        ('{"a": 1}', 0, 0),
        ("a,b\n1,2\n", 0, 0),
        (":20:STARTUMS\n:25:123\n:28C:1\n", 0, 0),
        ("OFXHEADER:100\nDATA:OFXSGML\n", 0, 0),
        ("!Type:Bank\nD01/02/2024\n", 0, 0),
        ("just some text\nof two lines\n", 0, 0),
        ("time: price, size\n1,2,3\n4,5,6\n7,8,9\n", 0, 0),
        ("", 0, 0),
    ],
)
def test_it_is_recognised_by_its_lines(text: str, least: float, most: float) -> None:
    assert least <= likeness(text) <= most


def test_a_number_of_another_base_that_has_too_many_digits_is_text(tmp_path: Path) -> None:
    long = "0x" + "f" * 3_900
    assert read(tmp_path, f"a: {long}\nb: 0xff\n") == [{"a": long, "b": "255"}]


@pytest.mark.parametrize(
    "text",
    [
        '- {id: "007", px: 1.50, d: 2026-01-02}\n- {id: "008", px: 2.50, d: 2026-01-03}\n',
        "trades:\n  - {id: 1, px: 2}\n  - {id: 3, px: 4}\n",
        "- &first {x: 1, z: 2}\n- {<<: *first, y: 2}\n",
    ],
)
def test_mappings_between_braces_are_no_text_between_commas(text: str) -> None:
    assert likeness(text) > 0.8


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "- [1, x]\n- [2, y]\n",
        "note: |\n" + "  words, and words\n" * 80,
        "[{a: 1}, {a: 2}]\n",
        "? [1, 2]\n: x\n",
    ],
)
def test_what_other_text_has_too_is_yaml_where_the_name_says_so(text: str) -> None:
    assert likeness(text, name="in.yaml") > likeness(text)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '[{"a": 1}]', '{"a": 1}', "[section]\na=1\n", "# nothing\n"])
def test_a_name_makes_no_yaml_of_other_text(text: str) -> None:
    assert likeness(text, name="in.yaml") == 0


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text("abc", min_size=1, max_size=2), _TEXT, min_size=2), min_size=1, max_size=5)
)
def test_texts_that_another_writer_quotes_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("yaml")
    dumped = yaml.safe_dump(rows, allow_unicode=False, default_style='"')
    found = read(folder, dumped)
    assert [{name: text for name, text in row.items() if text is not None} for row in found] == rows
    assert json.dumps(found)
