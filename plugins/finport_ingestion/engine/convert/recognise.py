"""Which format a landed part is of: as the documents say, else by its media type, its name, its first bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from finport_ingestion.engine.convert.interface import Head, RawFile
from finport_ingestion.engine.convert.reading.foreign import is_binary, is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import find_encoding
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.options import FormatOptions
from finport_ingestion.engine.records import Part

_HEAD_BYTES = 65_536
_SURE = 0.9
_LIKELY = 0.35


def options_of(part: Part, *, raw: RawFile, stated: FormatOptions | None) -> FormatOptions:
    """The options that `part` is read with.

    What the landing area knows for certain (rows of a query are Parquet) comes first, then what the documents state,
    then the bytes where they are sure, the media type, the file name, and the bytes where they are likely.

    Raises:
        FormatError: Nothing tells, or the bytes are something that no format reads.
    """
    if part.format in FORMATS:
        return stated if stated and stated.format == part.format else _plain(part.format)
    if stated is not None:
        return stated
    looked = head_of(raw)
    head = looked.content
    found = {name: FORMATS.get(name).recognises(looked) for name in FORMATS}
    scores = {name: likeness.confidence if likeness else 0.0 for name, likeness in found.items()}
    best = max(scores, key=lambda name: scores[name], default=None)
    if best and scores[best] >= _SURE:
        return _plain(best)
    if is_html(head):
        refuse_foreign(head, raw=raw, expected="data")
    for named in (*_by_media_type(part.media_type), *_by_suffix(part.uri)):
        # A name that contradicts the content is not believed: an API calls anything application/json.
        if scores[named] > 0 or not head.strip():
            return _plain(named)
    refuse_signature(io.BytesIO(head), raw=raw, expected="a format that is known here")
    refuse_foreign(head, raw=raw, expected="a format that is known here")
    if best and scores[best] >= _LIKELY:
        return _plain(best)
    raise FormatError(
        f"{raw.uri}: nothing tells which format it is of.",
        offset_bytes=0,
        hint=f"state 'format' in the Source; known are {', '.join(FORMATS.names())}",
    )


def reader_of(options: FormatOptions) -> Any:
    """The reader of a format, made with its options."""
    return FORMATS.get(options.format)(options)


def _plain(name: str) -> FormatOptions:
    options: FormatOptions = FORMATS.get(name).Options.model_validate({"format": name})
    return options


def _by_media_type(media_type: str | None) -> Iterator[str]:
    plain = (media_type or "").partition(";")[0].strip().lower()
    yield from (name for name in FORMATS if plain and plain in FORMATS.get(name).media_types)
    if plain.endswith("+json"):
        yield "json"


def _by_suffix(uri: str) -> Iterator[str]:
    suffix = PurePosixPath(uri).suffix.lower()
    yield from (name for name in FORMATS if suffix and suffix in FORMATS.get(name).suffixes)


def head_of(raw: RawFile) -> Head:
    """The beginning of `raw`."""
    with raw.open() as stream:
        content = stream.read(_HEAD_BYTES)
    encoding = find_encoding(io.BytesIO(content), declared=None)
    text = (
        ""
        if encoding.is_utf8 and is_binary(content)
        else content[encoding.bom_bytes :].decode(encoding.name, "replace")
    )
    return Head(content=content, text=text, whole=raw.size_bytes <= len(content), name=raw.file_name)
