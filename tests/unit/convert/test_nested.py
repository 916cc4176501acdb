"""Lists and objects stay nested Arrow, exactly: of the type that every value has, or as JSON text with the reason."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.convert.nested import Shape, cast_nested, fits, look_nested, type_of
from tests.unit.convert.deployment import Delivered, Deployment


def typed(*texts: str | None) -> tuple[pa.DataType | None, str]:
    return type_of(look_nested(pa.array(texts, pa.string())))


def cast(*texts: str | None) -> list[Any]:
    values = pa.array(texts, pa.string())
    kind, reason = type_of(look_nested(values))
    assert kind is not None, reason
    found = cast_nested(values, kind)
    found.validate(full=True)
    assert found.type == kind
    listed: list[Any] = found.to_pylist()
    return listed


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["[1,2]", "[]", "[null]"], pa.list_(pa.int64())),
        (["[1.10]", "[2]", "[300.5]"], pa.list_(pa.decimal128(18, 2))),
        (["[12345678901234567890]"], pa.list_(pa.decimal128(38, 0))),
        (['["2024-01-31"]'], pa.list_(pa.string())),
        (['{"b":true,"a":null}', '{"a":"x"}'], pa.struct([("b", pa.bool_()), ("a", pa.string())])),
        (['[{"x":[]}]', '[{"x":[[1]]}]'], pa.list_(pa.struct([("x", pa.list_(pa.list_(pa.int64())))]))),
        (["[]", "[]"], pa.list_(pa.string())),
        (["[1e3, 2.5]"], pa.list_(pa.decimal128(18, 1))),
        ([f"[{'1' * 60}.{'2' * 16}]"], pa.list_(pa.decimal256(76, 16))),
    ],
)
def test_the_type_is_what_all_values_are(texts: list[str], expected: pa.DataType) -> None:
    assert typed(*texts) == (expected, "")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["[1]", '["1"]'], "mixes numbers and text at '[]'"),
        (['{"a":{"b":1}}', '{"a":{"b":[]}}'], "mixes lists and numbers at 'a.b'"),
        (["[1]", "{}"], "mixes lists and objects"),
        (["{}", "{}"], "has objects without members"),
        (["[1e400]"], "has numbers of more than 76 digits at '[]'"),
        (["[1e999999999999999999999]"], "mixes values that are no JSON"),
        (["[1", "2]"], "mixes values that are no JSON"),
        ([json.dumps({f"k{at}": 1 for at in range(1001)})], "has objects with more than 1000 different members"),
    ],
)
def test_what_has_no_one_type_says_why(texts: list[str], reason: str) -> None:
    assert typed(*texts) == (None, reason)


def test_numbers_are_exact_and_missing_members_are_null() -> None:
    assert cast('{"a":0.1,"n":9007199254740993}', '{"n":-1}', None, '{"a":1.10,"b":[]}') == [
        {"a": Decimal("0.10"), "n": 9007199254740993, "b": None},
        {"a": None, "n": -1, "b": None},
        None,
        {"a": Decimal("1.10"), "n": None, "b": []},
    ]


def test_a_type_says_which_values_it_holds() -> None:
    kind = pa.list_(pa.decimal128(18, 2))
    assert fits(look_nested(pa.array(["[1.25, 3]"])), kind)
    assert not fits(look_nested(pa.array(["[1.125]"])), kind)
    assert not fits(look_nested(pa.array([f"[{10**17}]"])), kind)
    assert not fits(look_nested(pa.array(['["1"]'])), kind)
    struct = pa.struct([("a", pa.int64())])
    assert fits(look_nested(pa.array(['{"a":null}'])), struct)
    assert not fits(look_nested(pa.array(['{"a":1,"b":2}'])), struct)
    assert not fits(look_nested(pa.array(["[]"])), struct)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda value: Decimal(format(value, "f")))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)
_NESTED = st.lists(_VALUES, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=1), _VALUES, max_size=3)


def spelled(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{spelled(found)}" for key, found in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    return str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else json.dumps(value)


def matches(found: Any, written: Any) -> bool:
    """Whether `found` is what was written, but for members that were not there."""
    if isinstance(written, dict):
        rest = set(found) - set(written)
        return all(matches(found[key], value) for key, value in written.items()) and all(found[k] is None for k in rest)
    if isinstance(written, list):
        return len(found) == len(written) and all(map(matches, found, written))
    return bool(found == written) and isinstance(found, bool) == isinstance(written, bool)


@settings(max_examples=200, deadline=None)
@given(values=st.lists(_NESTED, min_size=1, max_size=6), cuts=st.lists(st.integers(0, 6), max_size=2))
def test_shapes_merge_to_the_same_whatever_the_cut_and_nothing_is_lost(values: list[Any], cuts: list[int]) -> None:
    texts = pa.array([spelled(value) for value in values], pa.string())
    whole = look_nested(texts)
    edges = [0, *sorted(cuts), len(values)]
    pieces = [look_nested(texts[begin:end]) for begin, end in pairwise(edges)]
    merged = reduce(add, pieces, Shape())
    assert type_of(merged)[0] == type_of(whole)[0]
    assert Shape.from_plain(json.loads(json.dumps(whole.to_plain()))) == whole
    kind, _ = type_of(whole)
    if kind is not None:
        assert fits(whole, kind)
        found = cast_nested(texts, kind).to_pylist()
        assert all(matches(got, written) for got, written in zip(found, values, strict=True))


def test_a_run_keeps_nested_columns_nested(tmp_path: Path) -> None:
    content = b'[{"k":[1,2],"o":{"p":1.10}},{"k":[],"o":{"p":2,"q":"x"}},{"k":null}]'
    converted = Deployment(tmp_path).run(Delivered(content, suffix=".json"))
    assert converted.table.schema.field("k").type == pa.list_(pa.field("element", pa.int64()))
    assert converted.column("o") == [
        {"p": Decimal("1.10"), "q": None},
        {"p": Decimal("2.00"), "q": "x"},
        None,
    ]


def test_a_value_that_departs_from_the_sample_has_its_place_all_the_same(tmp_path: Path) -> None:
    lines = [b'{"k":[%d],"pad":"%s"}\n' % (number, b"x" * 200) for number in range(40_000)]
    lines[9_000] = b'{"k":[0.125],"pad":""}\n'
    converted = Deployment(tmp_path).run(Delivered(b"".join(lines), suffix=".ndjson"))
    found = converted.column("k")
    assert found[9_000] == [Decimal("0.125")]
    assert found[39_999] == [Decimal(39_999)]
    assert converted.manifest.rejects == ()


def test_what_mixes_kinds_is_kept_as_json_text(tmp_path: Path) -> None:
    converted = Deployment(tmp_path).run(Delivered(b'[{"k":[1]},{"k":["a"]},{"k":{"z":1.50}}]', suffix=".json"))
    assert converted.types["k"] == "json"
    assert converted.column("k") == ["[1]", '["a"]', '{"z":1.50}']
