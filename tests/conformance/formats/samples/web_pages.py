"""HTML tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tests.conformance.formats.adapters import Row, Sample

_NAMES: Row = {"id": None, "name": None, "amount": None}


def page(rows: Sequence[Row]) -> bytes:
    """Cells keep their blanks by <pre>, as a page has to say where they count."""
    head = "".join(f"<th>{name}</th>" for name in rows[0])
    lines = ("".join(f"<td>{_cell(text)}</td>" for text in row.values()) for row in rows if row is not _NAMES)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    title = "<title>prices</title><meta charset='utf-8'>"
    return (
        f"<!DOCTYPE html><html><head>{title}</head><body><table><tr>{head}</tr>\n{body}</table></body></html>".encode()
    )


def _cell(text: str | None) -> str:
    return "" if text is None else f"<pre>{escape(text)}</pre>"


SAMPLES = {
    "html": Sample(write=page, suffix=".html", of_no_records=page([_NAMES])),
}
