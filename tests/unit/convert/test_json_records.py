"""Where the records of a document stand: stated by a path, or found and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.json_path import (
    Each,
    Items,
    Member,
    Steps,
    has_wildcard,
    parse_path,
    spelled_path,
)
from finport_ingestion.engine.convert.reading.json_whole import read_document
from finport_ingestion.engine.errors import ConfigError, FormatError
from finport_ingestion.engine.limits import ReadLimits

FACTS = {
    "cik": 1640147,
    "facts": {
        "dei": {"Shares": {"label": "S", "units": {"shares": [{"end": "2021", "val": 1}, {"end": "2022", "val": 2}]}}},
        "us-gaap": {
            "Assets": {"label": "A", "units": {"USD": [{"end": "2021", "val": number} for number in range(30)]}},
            "Eps": {"label": None, "units": {"USD/shares": [{"end": "2021", "val": 0.25, "frame": "CY"}]}},
        },
    },
}


def read(folder: Path, content: Any, *, path: str | None = None, carry: tuple[str, ...] = (), **fields: Any) -> Batch:
    text = content if isinstance(content, str) else json.dumps(content)
    file = folder / "in.json"
    file.write_text(text)
    raw = RawFile(path=UPath(file), uri="in.json", size_bytes=len(text.encode()), **fields)
    [batch] = read_document(raw, path=path, carry=carry)
    return batch


def rows(folder: Path, content: Any, **fields: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = read(folder, content, **fields).columns.to_pylist()
    return listed


def test_an_object_keyed_by_data_is_records_with_their_keys(tmp_path: Path) -> None:
    batch = read(tmp_path, {"eur": {"name": "Euro", "n": 1}, "usd": {"name": "Dollar"}})
    assert batch.columns.to_pylist() == [
        {"_key": "eur", "name": "Euro", "n": "1"},
        {"_key": "usd", "name": "Dollar", "n": None},
    ]
    assert "records were found at '{_key}'" in batch.notes[0]
    assert rows(tmp_path, {"NO": {"name": "Norway", "lists": [1, 2]}})[0]["_key"] == "NO"


def test_lists_keyed_by_data_are_records_with_their_keys(tmp_path: Path) -> None:
    found = rows(tmp_path, {"2024-01-01": [{"p": 1}, {"p": 2}], "2024-01-02": [{"p": 3}]})
    assert [(row["_key"], row["p"]) for row in found] == [("2024-01-01", "1"), ("2024-01-01", "2"), ("2024-01-02", "3")]


def test_the_one_list_of_an_envelope_is_the_records_and_what_stands_beside_it_is_told(tmp_path: Path) -> None:
    batch = read(tmp_path, {"asOf": "2024-01-31", "ok": True, "entries": [{"a": 1}, {"a": 2}], "meta": {"page": 1}})
    assert batch.columns.to_pylist() == [{"a": "1"}, {"a": "2"}]
    assert batch.facts == {"document.asOf": "2024-01-31", "document.ok": "true"}
    assert "'asOf', 'ok', 'meta'" in " ".join(batch.notes)
    assert batch.warnings == ()


def test_a_list_deeper_in_an_envelope_is_found_where_it_is_most_of_the_document(tmp_path: Path) -> None:
    batch = read(tmp_path, {"status": "ok", "data": {"page": 1, "rows": [{"a": n, "b": n} for n in range(9)]}})
    assert batch.columns.num_rows == 9
    assert "'data.rows[]'" in batch.warnings[0]


def test_maps_stacked_on_maps_are_found_and_warned_of(tmp_path: Path) -> None:
    batch = read(tmp_path, FACTS)
    found = batch.columns.to_pylist()
    assert len(found) == 33
    assert found[0] == {
        "_key_1": "dei",
        "_key_2": "Shares",
        "_key_3": "shares",
        "end": "2021",
        "val": "1",
        "frame": None,
    }
    assert "'facts.{_key_1}.{_key_2}.units.{_key_3}[]'" in batch.warnings[0]
    assert "'cik', 'label'" in batch.warnings[1]


def test_wildcards_are_columns_and_members_beside_the_path_are_carried(tmp_path: Path) -> None:
    path = "facts.{taxonomy}.{concept}.units.{unit}[]"
    batch = read(tmp_path, FACTS, path=path, carry=("cik", "label"))
    found = batch.columns.to_pylist()
    assert found[0] == {
        "taxonomy": "dei",
        "concept": "Shares",
        "unit": "shares",
        "end": "2021",
        "val": "1",
        "cik": "1640147",
        "label": "S",
        "frame": None,
    }
    assert found[-1]["label"] is None
    assert found[-1]["frame"] == "CY"
    assert batch.warnings == ()
    without = path.removesuffix("[]")
    assert rows(tmp_path, FACTS, path=without) == rows(tmp_path, FACTS, path=path)


def test_a_path_that_some_places_lack_says_how_many(tmp_path: Path) -> None:
    batch = read(tmp_path, {"a": {"rows": [{"x": 1}]}, "b": {}, "c": {"rows": 5}}, path="{k}.rows[]")
    assert batch.columns.to_pylist() == [{"k": "a", "x": "1"}]
    assert "finds nothing in 2 places, the first is 'b.rows'" in batch.warnings[0]
    with pytest.raises(FormatError, match="there is no 'c'"):
        read(tmp_path, {"a": {"x": 1}}, path="c.{k}")


@pytest.mark.parametrize("path", ["{a}.{a}", "a..{b}", "{a", "{a}[0]", "{a}]"])
def test_a_path_that_cannot_be_read_is_a_mistake_of_the_document(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, {"a": {"b": 1}}, path=path, carry=("x",))


def test_names_that_meet_are_a_mistake_of_the_document(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'unit' is a member of the records"):
        read(tmp_path, {"a": {"unit": 1}}, path="{unit}")
    with pytest.raises(ConfigError, match="'x' is a member of the records"):
        read(tmp_path, {"x": 1, "r": {"a": {"x": 2}}}, path="r.{k}", carry=("x",))


def test_a_carried_member_that_is_nowhere_is_said(tmp_path: Path) -> None:
    assert "'nope'" in read(tmp_path, {"r": [{"a": 1}]}, path="r[]", carry=("nope",)).warnings[0]


def test_several_lists_are_one_record_with_a_warning(tmp_path: Path) -> None:
    batch = read(tmp_path, {"a": [{"x": 1}], "b": [{"y": 1}]})
    assert batch.columns.num_rows == 1
    assert "'a', 'b'" in batch.warnings[0]


def test_a_record_that_holds_a_map_stays_a_record(tmp_path: Path) -> None:
    [row] = rows(tmp_path, {"base": "EUR", "date": "2024-01-31", "rates": {"USD": 1.1, "GBP": 0.85}})
    assert row["rates"] == '{"USD":1.1,"GBP":0.85}'
    [row] = rows(tmp_path, [{"id": 1, "lines": [{"a": 1}, {"a": 2}]}])
    assert row["lines"] == '[{"a":1},{"a":2}]'


def test_plain_values_are_a_column(tmp_path: Path) -> None:
    assert rows(tmp_path, "[1, null, 3.50]") == [{"value": "1"}, {"value": None}, {"value": "3.50"}]
    lonely = read(tmp_path, '"sorry"')
    assert lonely.columns.to_pylist() == [{"value": "sorry"}]
    assert lonely.warnings


def test_a_key_that_stands_twice_is_a_warning_and_never_loses_a_record(tmp_path: Path) -> None:
    batch = read(tmp_path, '[{"a": 1}, {"a": 1, "a": 2}]')
    assert [bad.text for bad in batch.bad] == ['{"a": 1, "a": 2}']
    assert "a key stands twice: record 2: the key 'a' stands twice" in batch.warnings[0]
    with pytest.raises(FormatError, match="a key stands twice"):
        read(tmp_path, '{"x": {"r": 1}, "x": {"r": 2}}', path="{k}")
    assert read(tmp_path, '{"x": {"r": 1}, "x": {"r": 2}}').bad


def test_nesting_and_fields_have_limits(tmp_path: Path) -> None:
    limits = ReadLimits.model_validate({"nesting": 3, "fieldBytes": 20})
    batch = read(tmp_path, [{"a": [[[1]]]}, {"a": [[[[1]]]]}, {"a": "x" * 21}], limits=limits)
    assert [bad.rule for bad in batch.bad] == ["nesting", "field_size"]
    assert batch.columns.num_rows == 1
    with pytest.raises(FormatError, match="held in memory"):
        read(tmp_path, "[1, 2]", limits=ReadLimits.model_validate({"wholeFileBytes": 3}))


def test_what_is_no_json_at_all_is_refused(tmp_path: Path) -> None:
    for text in ("[NaN]", '{"a": -Infinity}'):
        with pytest.raises(FormatError, match="not JSON"):
            read(tmp_path, text)


_STEPS = st.lists(
    st.one_of(
        st.text('ab."\\ é[]{}', min_size=1, max_size=4).filter(lambda name: name == name.strip()).map(Member),
        st.sampled_from(["k", "x_1", "day of week"]).map(Each),
        st.just(Items()),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda step: step.name if isinstance(step, Each) else object(),
)


@given(steps=_STEPS)
def test_a_path_that_is_told_can_be_stated(steps: list[Any]) -> None:
    made: Steps = tuple(steps)
    assert parse_path(spelled_path(made)) == made
    assert has_wildcard(spelled_path(made)) or not any(isinstance(step, Each) for step in made)
