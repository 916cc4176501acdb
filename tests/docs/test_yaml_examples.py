"""Documents and parts of documents in the pages are right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.config.loader import parse
from finport_ingestion.engine.workflow.registry import known_actions
from tests.docs.pages import GENERATED, ROOT, WRITTEN, Block, blocks

_HEAD = "apiVersion: finport.io/v1\nkind: {kind}\nmetadata: {{name: example}}\nspec:\n  description: d\n  owner: o\n"
_AROUND = {
    "source": ("Source", "{}"),
    "convert": ("Format", "{}"),
    "auth": ("Authentication", "{}"),
    "settings": ("Policy", "{}"),
    "store": ("Policy", "settings:\n{}"),
    "incremental": ("Source", "{}source: {{protocol: file, path: /in}}"),
    "contract": ("Source", "{}source: {{protocol: file, path: /in}}"),
}
_FOLDERS = {
    "Source": "sources",
    "Authentication": "authentication",
    "Workflow": "workflows",
    "Policy": "policies",
    "Format": "formats",
}
_BLOCKS = [block for page in (*WRITTEN, *GENERATED) for block in blocks(page, "yaml")]
_PARTS = [block for block in _BLOCKS if "apiVersion" not in block.text and not block.text.startswith("# yaml-language")]


def test_documents_in_readme_and_how_tos_load_beside_the_shipped_ones(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "include", tmp_path / "include")
    documents = [block for page in WRITTEN for block in blocks(page, "yaml") if "apiVersion" in block.text]
    for number, block in enumerate(documents):
        kind = next(line for line in block.text.splitlines() if line.startswith("kind:")).split()[1]
        path = tmp_path / "include" / "configs" / _FOLDERS[kind] / f"example-{number}.yaml"
        path.write_text(block.text, encoding="utf-8")
    catalog = load_catalog(tmp_path, known_actions=known_actions())
    assert len(documents) >= 4
    assert [str(mistake) for mistake in catalog.mistakes] == []


@pytest.mark.parametrize("block", _PARTS, ids=lambda block: block.where)
def test_a_part_of_a_document_is_right(block: Block) -> None:
    kind, around = _AROUND[block.text.partition(":")[0]]
    inner = around.format(_indented(block.text) if around.endswith("\n{}") else block.text)
    (document,) = parse((_HEAD.format(kind=kind) + _indented(inner)).encode(), path="example.yaml", kind=kind)
    assert [str(mistake) for mistake in document.mistakes] == []


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
