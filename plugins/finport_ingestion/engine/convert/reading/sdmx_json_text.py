"""The JSON of an SDMX-JSON message, parsed with its number tokens as they are written."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_texts import DECODER
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks
from finport_ingestion.engine.errors import FormatError


def parsed_document(raw: RawFile) -> dict[str, Any] | None:
    """The object that `raw` is; None where it is empty and may be.

    Raises:
        FormatError: It is empty, or no JSON object.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="SDMX-JSON")
        encoding = find_encoding(stream, declared=None)
        content = b"".join(utf8_chunks(stream, encoding, uri=raw.uri))
    if not content.strip():
        if raw.may_be_empty:
            return None
        raise FormatError(
            f"{raw.uri}: is empty.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    refuse_foreign(content[:4096], raw=raw, expected="SDMX-JSON")
    try:
        document = DECODER.decode(content.decode())
    except RecursionError as error:
        raise _no_json(raw, "nested too deep", None) from error
    except UnicodeDecodeError as error:
        raise _no_json(raw, "bytes that are not UTF-8", error.start) from error
    except ValueError as error:
        at = getattr(error, "pos", None)
        raise _no_json(raw, f"line {getattr(error, 'lineno', 1)}: {getattr(error, 'msg', error)}", at) from error
    if not isinstance(document, dict):
        raise _no_json(raw, "no object", 0)
    return document


def _no_json(raw: RawFile, what: str, at: int | None) -> FormatError:
    return FormatError(
        f"{raw.uri}: not JSON: {what}.", offset_bytes=at, hint="ask for the file again: it may be cut or damaged"
    )
