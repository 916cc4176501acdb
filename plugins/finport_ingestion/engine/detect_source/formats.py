"""What the bytes are, by the recogniser that reads every other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.recognise import recognise
from finport_ingestion.engine.detect_source.evidence import Answered
from finport_ingestion.engine.detect_source.members import longest_list
from finport_ingestion.engine.detect_source.proposal import About, Proposal
from finport_ingestion.engine.errors import FinportError


def format_of(file: Path, *, name: str, media_type: str | None, answer: Answered | None = None) -> Proposal:
    """The `convert` block; empty where nothing tells.

    Args:
        name: As delivered, which may tell more than the file's own.
        answer: Whose body the file is, where it came from an API.
    """
    raw = RawFile(path=UPath(file), uri=name, size_bytes=file.stat().st_size, name=name)
    try:
        found = recognise(raw, media_type)
    except FinportError as error:
        return Proposal(about=About.FORMAT, confidence=0.1, reasons=(error.message,))
    value: dict[str, Any] = {"format": found.format}
    reasons = found.reasons
    records = longest_list(answer.document) if answer is not None and found.format == "json" else None
    if records and records[0] != "@":
        value["records"] = records[0]
        reasons = (*reasons, f"'{records[0]}' is the longest list")
    return Proposal(about=About.FORMAT, value=value, confidence=found.confidence, reasons=reasons)
