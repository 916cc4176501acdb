"""The generated pages are those that the code generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import write_reference
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.events.registry import RELAYS
from finport_ingestion.engine.registry import Registry
from finport_ingestion.engine.sources.registry import PROTOCOLS
from finport_ingestion.engine.step import Flags
from finport_ingestion.engine.store.registry import STORAGES
from finport_ingestion.engine.workflow.registry import ACTIONS
from tests.docs.pages import DOCS, REFERENCE, ROOT


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference, written anew."""
    folder = tmp_path_factory.mktemp("reference")
    write_reference(folder)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_the_reference_is_fresh(written: Path) -> None:
    expected, found = content(written), content(REFERENCE)
    stale = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    assert not stale, "run 'python -m docs.generate'"


@pytest.mark.parametrize(
    ("registry", "page"),
    [
        (PROTOCOLS, "protocols"),
        (FORMATS, "formats"),
        (STORAGES, "storages"),
        (METHODS, "auth-methods"),
        (RELAYS, "relays"),
        (ACTIONS, "actions"),
    ],
)
def test_every_plugin_has_its_part_of_a_page(written: Path, registry: Registry[object], page: str) -> None:
    headings = [
        line.lstrip("# ") for line in (written / f"{page}.md").read_text().splitlines() if line.startswith("##")
    ]
    told = {name for heading in headings for name in heading.split(", ")}
    assert set(registry.names()) <= told


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_document_has_a_meaning(written: Path, kind: str) -> None:
    rows = [line for line in (written / f"{kind.lower()}.md").read_text().splitlines() if line.startswith("| `")]
    without = [row for row in rows if row.split(" | ")[-1].strip(" |") == ""]
    assert {row.split("`")[1] for row in without} <= {"kind", "spec"}


def test_the_schemas_that_shipped_documents_name_are_there() -> None:
    marker = "# yaml-language-server: $schema="
    named = {
        (path.parent / path.read_text().splitlines()[0].removeprefix(marker)).resolve()
        for path in (ROOT / "include" / "configs").rglob("*.yaml")
    }
    assert named
    assert all(path.is_file() for path in named)


def test_the_trigger_form_is_described_as_it_is() -> None:
    page = (DOCS / "how-to" / "airflow.md").read_text()
    told = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert told == {"sources", *Flags.__dataclass_fields__} - {"replay_of"}
