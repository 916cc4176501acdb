"""The plug-ins that the how-tos show do what they say."""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, Head, RawFile
from finport_ingestion.engine.errors import FormatError, SourceItemChanged, SourceItemMissing, SourceUnavailable
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


def test_the_format_reads_deals_and_sets_bad_lines_aside(tmp_path: Path) -> None:
    tickets = module_of("add-a-format.md").TicketsFormat
    good = "HDR|FX\nDEAL|A1|12.50|20260102\nDEAL|A2|?|20260105\nDEAL|A3|-7.00|20260105\nTRL|3\n"

    def read(text: str, **options: str) -> list[Batch]:
        path = tmp_path / "today.tickets"
        path.write_text(text)
        raw = RawFile(path=UPath(path), uri="landing/today.tickets", size_bytes=path.stat().st_size)
        return list(tickets(tickets.Options.model_validate({"format": "tickets", **options})).read(raw))

    (batch,) = read(good, desk="FX")
    assert batch.columns.to_pydict() == {
        "deal": ["A1", "A3"],
        "amount": ["12.50", "-7.00"],
        "traded_on": ["2026-01-02", "2026-01-05"],
    }
    assert batch.rows.to_pylist() == [1, 3]
    assert [(bad.row, bad.reason, bad.text) for bad in batch.bad] == [(2, "line 3: not a deal", "DEAL|A2|?|20260105")]
    assert [b.warnings for b in read(good.replace("TRL|3", "TRL|4"))][-1] == (
        "landing/today.tickets: the trailer states 4 deals, and there are 3",
    )
    for wrong in (good.removesuffix("TRL|3\n"), "a,b\n1,2\n", ""):
        with pytest.raises(FormatError):
            read(wrong)
    with pytest.raises(FormatError):
        read(good, desk="Rates")


def test_the_format_is_recognised_by_content() -> None:
    tickets = module_of("add-a-format.md").TicketsFormat
    for text, found in (("HDR|FX\nDEAL|", True), ("HDR,FX\n", False)):
        head = Head(content=text.encode(), text=text, whole=True)
        assert (tickets.recognises(head) is not None) == found
