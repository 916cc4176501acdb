"""The shipped templates: one of each kind, each of them a document that is read."""

from __future__ import annotations

import re

import pytest

from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.config.literal_secrets import find_secrets
from tests.conformance.auth.templates import FILE, templates


def test_there_is_one_of_each_method() -> None:
    assert {options["method"] for options in templates().values()} == set(METHODS)


@pytest.mark.parametrize("name", templates())
def test_each_template_is_one_that_its_method_takes(name: str) -> None:
    options = templates()[name]
    METHODS.get(options["method"]).Options.model_validate(options)
    assert find_secrets(options) == []


def test_client_credentials_of_a_template_come_from_variables() -> None:
    options = templates()["oauth2-client-credentials"]
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", options[key]) for key in ("tokenUrl", "clientId", "clientSecret"))


def test_the_file_says_what_to_do_with_it() -> None:
    assert "copy one" in FILE.read_text().partition("apiVersion")[0]
