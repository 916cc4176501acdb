"""The plug-ins that the how-tos show do what they say."""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import SourceItemChanged, SourceItemMissing, SourceUnavailable
from finport_ingestion.engine.sources.interface import ByteSource
from tests.conformance.sources.access import access
from tests.docs.pages import DOCS, blocks


def module_of(page: str) -> Any:
    """The first Python block of a how-to, as a module."""
    block = blocks(DOCS / "how-to" / page, "python")[0]
    module = types.ModuleType(f"example_{page.removesuffix('.md').replace('-', '_')}")
    sys.modules[module.__name__] = module
    exec(compile(block.text, block.where, "exec"), module.__dict__)
    return module


def archive(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return path


def test_the_protocol_lists_and_gives_what_an_archive_holds(tmp_path: Path) -> None:
    protocol = module_of("add-a-protocol.md").ArchiveSource
    path = archive(tmp_path / "prices.zip", {"b.csv": "b", "a.csv": "a"})
    options = protocol.Options.model_validate({"protocol": "archive", "path": str(path)})
    source = protocol(options, access(None))
    assert isinstance(source, ByteSource)
    items = list(source.discover(None))
    assert [item.id for item in items] == ["a.csv", "b.csv"]
    assert [delivery.stream.read() for delivery in source.open(items[0])] == [b"a"]
    archive(path, {"a.csv": "changed"})
    with pytest.raises(SourceItemChanged):
        list(source.open(items[0]))
    with pytest.raises(SourceItemMissing):
        list(source.open(items[1]))
    path.unlink()
    with pytest.raises(SourceUnavailable):
        source.check()


def test_the_format_reads_fields_and_sets_bad_lines_apart(tmp_path: Path) -> None:
    reader = module_of("add-a-format.md").FixedFormat
    options = reader.Options.model_validate({"format": "fixed", "fields": {"isin": 4, "price": 3}})
    path = tmp_path / "prices.fix"
    path.write_text("DE01 12\nbad\nUS02  7\n")
    raw = RawFile(path=UPath(path), uri="landing/prices.fix", size_bytes=path.stat().st_size)
    (batch,) = reader(options).read(raw)
    assert batch.columns.to_pydict() == {"isin": ["DE01", "US02"], "price": ["12", "7"]}
    assert batch.rows.to_pylist() == [1, 3]
    assert [(bad.row, bad.text) for bad in batch.bad] == [(2, "bad")]
