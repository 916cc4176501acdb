"""`${VARIABLE}` is filled in at run time, and never shows its value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.auth.oauth2 import ClientCredentialsOptions
from finport_ingestion.engine.config.environment import fill, misspelt_reference
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.folder import FileOptions
from tests.unit.config.project import ProjectFolder, source


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}", "1"),
        ("x/${A}/${B}", "x/1/2"),
        ("${MISSING:-}", ""),
        ("${MISSING:-a b}", "a b"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("$A", "$A"),
        ("$${A}", "${A}"),
        ("{A}", "{A}"),
        ("plain", "plain"),
    ],
)
def test_variables_are_filled_in_as_a_shell_would(text: str, filled: str) -> None:
    assert fill(text, {"A": "1", "B": "2", "EMPTY": ""}) == filled


def test_the_value_of_a_variable_is_not_looked_into() -> None:
    assert fill("${A}", {"A": "${B}", "B": "x"}) == "${B}"


def test_every_shape_comes_back_as_it_went_in() -> None:
    nested = {"a": ["${A}", 1, None, True], "b": {"c": ("${A}",)}}
    assert fill(nested, {"A": "1"}) == {"a": ["1", 1, None, True], "b": {"c": ("1",)}}


def test_options_are_filled_in_and_stay_options() -> None:
    written = FileOptions.model_validate({"protocol": "file", "path": "${ROOT}/prices", "settle": "5m"})
    filled = fill(written, {"ROOT": "/mnt"})
    assert filled == FileOptions.model_validate({"protocol": "file", "path": "/mnt/prices", "settle": "5m"})
    assert filled.model_fields_set == {"protocol", "path", "settle"}


def test_options_without_variables_are_not_touched() -> None:
    written = FileOptions.model_validate({"protocol": "file", "path": "/prices"})
    assert fill(written, {}) is written


def test_every_missing_variable_is_named_with_its_key() -> None:
    with pytest.raises(ConfigError) as error:
        fill({"query": {"a": "${FIRST}"}, "headers": ["${SECOND}"]}, {}, key="spec.source")
    assert str(error.value) == (
        "environment variables are not set: FIRST (used by spec.source.query.a), SECOND (used by "
        "spec.source.headers[0]). Fix: set them where the tasks run, or give a default: ${NAME:-default}"
    )


def test_a_value_that_does_not_suit_is_told_without_the_value() -> None:
    written = ClientCredentialsOptions.model_validate(
        {"method": "oauth2_client_credentials", "tokenUrl": "/t", "clientAuthentication": "post"}
    )
    broken = written.model_copy(update={"client_authentication": "${HOW}"})
    with pytest.raises(ConfigError, match="clientAuthentication: must be one of basic, post") as error:
        fill(broken, {"HOW": "h" * 60}, key="spec.auth")
    assert "h" * 60 not in str(error.value)
    assert error.value.__suppress_context__


def test_loading_a_document_asks_for_no_variable(project: ProjectFolder) -> None:
    project.write("sources/a.yaml", source("a").replace("/prices", "'${SURELY_NOT_SET}'"))
    assert project.mistakes() == []
    assert project.documents()[0].spec["source"]["path"] == "${SURELY_NOT_SET}"


@pytest.mark.parametrize(
    ("text", "misspelt"),
    [
        ("${A}", False),
        ("${A:-x}", False),
        ("$${A", False),
        ("a$b", False),
        ("${A", True),
        ("${}", True),
        ("${1}", True),
        ("${A-x}", True),
    ],
)
def test_a_reference_that_is_none_is_noticed(text: str, misspelt: bool) -> None:
    assert misspelt_reference(text) is misspelt


_nested = st.recursive(
    st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(_nested)
@settings(max_examples=50)
def test_what_has_no_dollar_comes_back_unchanged(value: object) -> None:
    if "$" not in str(value):
        assert fill(value, {}) == value
