"""The documents of real providers that ship: enough of them, paused, and claiming nothing that nobody read."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.config.loader import Document, parse
from finport_ingestion.engine.config.models.documentation import Verification
from finport_ingestion.engine.config.models.documents import Source, SourceSpec

ROOT = Path(__file__).parents[3]
CATALOG = load_catalog(ROOT)
SHIPPED = {document.name: document for document in CATALOG.documents_of("Source") if "shape" in document.labels}
GROUPS = {
    "market-data",
    "reference-data",
    "fundamentals",
    "macroeconomic",
    "fixed-income",
    "fx",
    "commodities-energy",
    "crypto",
    "filings-regulatory",
    "sanctions-compliance",
    "alternative-data",
}
NAMED = ("bloomberg", "lseg", "nyse", "alpha-vantage")
each_source = pytest.mark.parametrize("source", SHIPPED.values(), ids=lambda document: document.name)


def spec_of(document: Document) -> SourceSpec:
    return cast("Source", document.model).spec


def test_there_are_sixty_and_more_in_every_group() -> None:
    groups = Counter(document.labels["group"] for document in SHIPPED.values())
    assert set(groups) == GROUPS
    assert sum(groups.values()) >= 60
    assert min(groups.values()) >= 3


def test_the_four_that_requirements_name_are_there() -> None:
    assert [name for name in NAMED if not any(str(source).startswith(name) for source in SHIPPED)] == []


def test_those_under_a_contract_say_so() -> None:
    needed = {name for name, document in SHIPPED.items() if _documentation(document).contract_required}
    assert {"bloomberg-data-license-datasets", "lseg-historical-pricing", "nyse-taq-master"} <= needed


@each_source
def test_a_source_is_paused_and_in_no_workflow(source: Document) -> None:
    assert spec_of(source).enabled is False
    selecting = [w.name for w in CATALOG.documents_of("Workflow") if source in CATALOG.matching(w)]
    assert selecting == []


@each_source
def test_a_source_says_where_it_is_what_it_gives_and_what_may_be_done_with_it(source: Document) -> None:
    spec = spec_of(source)
    documentation = _documentation(source)
    options: Any = spec.source
    assert spec.convert
    assert spec.contract.columns
    assert spec.rights
    assert documentation.licence
    assert {"address", "format"} <= set(documentation.claims)
    assert options.url or documentation.contract_required
    assert str(options.url or "https:").startswith("https:")


@each_source
def test_a_claim_that_was_not_read_says_nothing_and_none_was_tried_live(source: Document) -> None:
    for claim in _documentation(source).claims.values():
        assert claim.verification is not Verification.LIVE
        assert claim.quote is None
        if claim.read_on is None:
            assert claim.verification is Verification.NONE
            assert claim.says is None
        else:
            assert claim.says
            assert claim.read_on <= date(2026, 11, 26)


def test_every_authentication_that_ships_for_sources_is_used() -> None:
    used = {spec_of(document).authentication for document in SHIPPED.values()}
    file = "include/configs/authentication/source-documents.yaml"
    shipped = {each.name for each in CATALOG.documents_of("Authentication") if each.path == file}
    assert shipped
    assert shipped <= used


@pytest.mark.parametrize("key", ["says", "quote"])
def test_a_claim_without_the_day_it_was_read_cannot_repeat_the_page(key: str) -> None:
    mistakes = _mistakes(f"documentation: {{address: {{url: https://a.example, {key}: Everything is free.}}}}")
    assert "state readOn" in mistakes[0]


def test_a_page_is_a_public_address() -> None:
    assert _mistakes("documentation: {licence: 'ftp://a.example'}")
    assert _mistakes("documentation: {licence: 'https://me:secret@a.example'}")
    assert not _mistakes("documentation: {licence: 'https://a.example/terms', contractRequired: true}")


def test_rights_are_one_of_four_words() -> None:
    assert _mistakes("rights: {entitlement: maybe}")
    assert not _mistakes("rights: {entitlement: restricted, redistribution: forbidden}")


def _documentation(document: Document) -> Any:
    documentation = spec_of(document).documentation
    assert documentation
    return documentation


def _mistakes(line: str) -> list[str]:
    text = (
        "apiVersion: finport.io/v1\nkind: Source\nmetadata: {name: a}\nspec:\n  description: d\n  owner: o\n"
        f"  source: {{protocol: http, url: https://a.example}}\n  {line}\n"
    )
    (document,) = parse(text.encode(), path="a.yaml", kind="Source")
    return [str(mistake) for mistake in document.mistakes]
