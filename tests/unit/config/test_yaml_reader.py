"""The one YAML grammar: values, places, and everything that is refused."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.config.yaml_reader import MAX_DEPTH, Chunk, Reading, read, split


def reading(text: str) -> Reading:
    return read(Chunk(dedent(text), 1))


def refusals(text: str) -> list[str]:
    return [f"{each.place[0]}:{each.place[1]}: {each.message}" for each in reading(text).problems]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("037833100", "037833100"),
        ("0263494", "0263494"),
        ("00.5", "00.5"),
        ("-007", "-007"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("0b101", "0b101"),
        ("=", "="),
        ("1e", "1e"),
        ("+", "+"),
        ("...x", "...x"),
        ("0", 0),
        ("-0", 0),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("9223372036854775807", 2**63 - 1),
        ("1e3", 1000.0),
        ("0.10", 0.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'5'", "5"),
        ('"true"', "true"),
        ("''", ""),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says_and_leading_zeros_stay_text(written: str, meant: object) -> None:
    values = reading(f"key: {written}\n").values
    assert values == {"key": meant}
    assert type(values["key"]) is type(meant)


def test_the_places_of_keys_and_values_begin_at_one() -> None:
    positions = reading(
        """\
        a: 1
        b:
          - x
          - {c: äöü, d: 2}
        """
    ).positions
    assert positions.key(("a",)) == (1, 1)
    assert positions.value(("a",)) == (1, 4)
    assert positions.key(("b",)) == (2, 1)
    assert positions.value(("b",)) == (2, 1)  # a list on later lines is found by its key
    assert positions.value(("b", 0)) == (3, 5)
    assert positions.key(("b", 1, "d")) == (4, 14)
    assert positions.value(("b", 1, "d")) == (4, 17)


def test_a_place_that_does_not_exist_is_that_of_the_nearest_parent() -> None:
    positions = reading("a:\n  b: 1\n").positions
    assert positions.key(("a", "x", "y")) == (1, 1)
    assert positions.value(("a", "x")) == (1, 1)
    assert positions.value(("x",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: the key stands twice; first on line 1"),
        ("a: 1\n'a': 3\n", "2:1: the key stands twice; first on line 1"),
        ("a: {b: 1, b: 1}\n", "1:11: the key stands twice; first on line 1"),
        ("1: x\n", "1:1: a key is text; put it in quotes: '1'"),
        ("true: x\n", "1:1: a key is text; put it in quotes: 'true'"),
        ("~: x\n", "1:1: a key is text; put it in quotes: '~'"),
        ("99999999999999999999: x\n", "1:1: a key is text; put it in quotes: '99999999999999999999'"),
        ("? \n: x\n", "1:2: a key is missing before ':'"),
        ("? [a]\n: b\n", "1:3: a key is text, not a list or a mapping"),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "3:3: merge keys cannot be used; write the keys out, or put what is shared into a Policy",
        ),
        ("a: !!str 5\n", "1:4: the tag '!!str' cannot be used; leave it out, and put text in quotes"),
        ("a: !env X\n", "1:4: the tag '!env' cannot be used; leave it out, and put text in quotes"),
        (
            "a: !!python/object/apply:os.system ['true']\n",
            "1:4: the tag '!!python/object/apply:os.system' cannot be used; leave it out",
        ),
        ("a: !!map {b: 1}\n", "1:4: the tag '!!map' cannot be used; leave it out"),
        ("a: .inf\n", "1:4: infinity and 'not a number' cannot be used; put it in quotes if it is text"),
        ("a: -.Inf\n", "1:4: infinity and 'not a number' cannot be used; put it in quotes if it is text"),
        ("a: .nan\n", "1:4: infinity and 'not a number' cannot be used; put it in quotes if it is text"),
        ("a: 1e400\n", "1:4: a number with more digits than can be kept exactly; put it in quotes"),
        ("a: 12345678901234567890.12\n", "1:4: a number with more digits than can be kept exactly; put it in quotes"),
        (
            "a: 9223372036854775808\n",
            "1:4: a whole number of more than 64 bits; put it in quotes if it is an identifier",
        ),
        (
            "a: 0xFFFFFFFFFFFFFFFFF\n",
            "1:4: a whole number of more than 64 bits; put it in quotes if it is an identifier",
        ),
        (f"a: {'9' * 10_000}\n", "1:4: a whole number of more than 64 bits; put it in quotes if it is an identifier"),
    ],
)
def test_what_would_be_read_in_two_ways_is_refused(text: str, refusal: str) -> None:
    assert refusals(text) == [refusal]


def test_every_refusal_of_a_document_is_told_at_once() -> None:
    assert [refusal.partition(":")[0] for refusal in refusals("a: !x 1\na: 2\n3: 4\nb: .nan\n")] == ["1", "2", "3", "4"]


def test_quoted_keys_may_look_like_anything() -> None:
    assert reading("'1': x\n'<<': y\n'true': z\n").values == {"1": "x", "<<": "y", "true": "z"}


def test_an_alias_stands_for_what_its_anchor_names() -> None:
    assert reading("a: &x [1, 2]\nb: *x\n").values == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [b\n", "1:4: not YAML: a '[' opens here and is not closed, or a ',' is missing"),
        ("a: {b: 1\nc: 2\n", "1:4: not YAML: a '{' opens here and is not closed, or a ',' is missing"),
        ('a: "b\n', "1:4: not YAML: a quote opens here and is not closed"),
        (
            "a: b: c\n",
            "1:5: not YAML: a ':' where none can stand; put text with ': ' in it in quotes, or check the indentation",
        ),
        (
            "a:\n\t- b\n",
            (
                "2:1: not YAML: a tab or one of @ ` % cannot begin a value; indent with spaces, and put such text in "
                "quotes"
            ),
        ),
        (
            "a: {b: ${X}}\n",
            "1:9: not YAML: no ',' or '}' here; put text with brackets, such as '${NAME}', in quotes",
        ),
        ("a: *b\n", "1:4: not YAML: an alias that no anchor names; put text that begins with '*' in quotes"),
        (
            'a: "C:\\q"\n',
            "1:7: not YAML: an unknown escape in double quotes; use single quotes, or double the '\\'",
        ),
        ("a: 1\nb: \x00\n", "2:4: not YAML: the control character U+0000; remove it"),
        ("%TAG ! tag:x\n", "1:12: not YAML: text between '...' and '---'; remove it"),
    ],
)
def test_a_syntax_error_says_where_and_how_it_is_put_right(text: str, message: str) -> None:
    assert refusals(text) == [message]
    assert not reading(text).complete


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 200_000 + "a",
        "? " * 200_000 + "a",
        "\n".join(" " * depth + "a:" for depth in range(2_000)),
    ],
    ids=["lists", "mappings", "dashes", "keys", "lines"],
)
def test_deep_nesting_is_refused_before_it_exhausts_the_stack(text: str) -> None:
    (refusal,) = refusals(text)
    assert refusal.endswith(f"nested more than {MAX_DEPTH} deep")


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (refusal,) = refusals("\n".join(lines))
    assert refusal.endswith("more than 100000 values, aliases written out; use fewer or smaller aliases")


def test_a_deep_chain_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100))]
    (refusal,) = refusals("\n".join(lines))
    assert refusal.endswith(f"nested more than {MAX_DEPTH} deep, aliases written out")


def test_an_alias_inside_what_it_names_is_refused() -> None:
    assert refusals("a: &x\n  b: *x\n") == ["1:4: an alias stands inside what it names; write the value out"]


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("a: 1\n---\nb: 2\n", [(1, {"a": 1}), (3, {"b": 2})]),
        ("---\na: 1\n--- {b: 2}\n", [(2, {"a": 1}), (3, {"b": 2})]),
        ("# only a comment\n---\na: 1\n", [(3, {"a": 1})]),
        ("a: 1\n...\n# between\n---\nb: 2\n", [(1, {"a": 1}), (5, {"b": 2})]),
        ("a: |\n  ---\n  text\n---\nb: 2\n", [(1, {"a": "---\ntext\n"}), (5, {"b": 2})]),
        ("a: 1\r\n---\r\nb: 2\r\n", [(1, {"a": 1}), (3, {"b": 2})]),
        ("a: 1\r---\rb: 2\r", [(1, {"a": 1}), (3, {"b": 2})]),
        ("\ufeffa: 1\n", [(1, {"a": 1})]),
        ("# first\n%YAML 1.2\n---\na: 1\n", [(4, {"a": 1})]),
        ("a: ---x\n---x: 1\n", [(1, {"a": "---x", "---x": 1})]),
        ("", []),
        ("---\n---\n", []),
    ],
)
def test_a_file_is_split_into_its_documents_with_the_lines_of_the_file(
    text: str, documents: list[tuple[int, dict[str, Any]]]
) -> None:
    readings = [read(chunk) for chunk in split(text)]
    assert [(each.line, each.values) for each in readings if each.values is not None] == documents
    assert not any(each.problems for each in readings)


def test_a_syntax_error_costs_one_document_and_keeps_the_lines_of_the_others() -> None:
    good, broken, last = (read(chunk) for chunk in split("a: 1\n---\nb: [\n---\nc: 3\n"))
    assert (good.values, last.values) == ({"a": 1}, {"c": 3})
    assert broken.problems[0].place == (3, 4)
    assert last.positions.key(("c",)) == (5, 1)


_plain_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | _plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_plain_text, inner, max_size=4),
    max_leaves=20,
)


@given(_values)
@settings(max_examples=40)
def test_what_a_dumper_quotes_comes_back_as_it_was(value: Any) -> None:
    # Double quotes are the one style that every YAML version reads alike.
    text = yaml.dump({"key": value}, default_style='"', allow_unicode=True)
    text = text.replace("!!null ", "").replace("!!bool ", "").replace("!!int ", "")
    assert not read(Chunk(text, 1)).problems


@given(st.text(max_size=200))
def test_no_text_at_all_makes_the_reader_raise(text: str) -> None:
    for chunk in split(text.encode("utf-8", "ignore").decode()):
        read(chunk)


@given(st.text(alphabet="ab:-?&*!|>[]{}'\"#%@ \n\t0", max_size=60))
def test_no_yaml_like_text_makes_the_reader_raise(text: str) -> None:
    for chunk in split(text):
        each = read(chunk)
        assert each.complete or each.problems
