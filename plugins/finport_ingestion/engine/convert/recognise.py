"""Which format a file is of: by its content first, then by its name and the media type that the source states.

Each format says how much the first bytes look like it (`recognises`); here the answers are weighed. A format of its own
(FIX, SWIFT, an ISO 20022 namespace) wins over the syntax that it is written in (XML, JSON, delimited text). A name or a
media type settles what content leaves open, and is not believed against it: an API calls anything application/json.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from finport_ingestion.engine.convert.interface import Head, Likeness, RawFile
from finport_ingestion.engine.convert.reading.foreign import is_binary, is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, wide_without_mark
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.unpack import Peek, peek
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.options import FormatOptions, UnpackOptions
from finport_ingestion.engine.records import Part

ENOUGH = 0.8
"""An answer of less confidence is a warning."""
_SYNTAXES = frozenset({"csv", "fixed_width", "html", "json", "ndjson", "psv", "tsv", "xml", "yaml"})
"""What others are written in: they are asked last."""
_SURE = 0.9
_LIKELY = 0.35
_BY_NAME = 0.7
_BY_COMMON_NAME = 0.4
_BY_MEDIA_TYPE = 0.6
_BY_COMMON_MEDIA_TYPE = 0.3
_NAME_ALONE = 0.6
_COMMON = frozenset({".dat", ".db", ".stream", ".txt", "application/json", "application/xml", "text/plain", "text/xml"})
"""Used for anything."""
_CONTRADICTED = 0.3
"""A name is not believed against content that looks so much more like another format."""
_CLOSE = 0.1
_DOUBT = 0.25
_KNOWN_HERE = "a format that is known here"
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_SIGNATURES = re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0|ORC.{0,60}?[\x00-\x08\x0e-\x1a]", re.DOTALL)
"""Packed bytes that no encoding is looked for in; others show it by their control characters."""
_Hints = dict[str, tuple[float, tuple[str, ...]]]
"""What the name and the media type say, by format: the weight, and the reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What a file was taken for, and why."""

    format: str
    confidence: float  # 0 to 1
    reasons: tuple[str, ...]  # for a person, the weightiest first
    compression: str | None = None  # what lies around the data, e.g. "tar+gzip"
    encoding: str | None = None  # of text

    @property
    def warning(self) -> str | None:
        """What a person should look at, if the answer is not sure enough."""
        if self.confidence >= ENOUGH:
            return None
        return (
            f"taken for {self.format} with a confidence of {self.confidence:.2f} only ({'; '.join(self.reasons)}): "
            "state 'format' if it is another one"
        )


def recognise(
    raw: RawFile,
    media_type: str | None = None,
    *,
    options: UnpackOptions | None = None,
    password: Callable[[], str | None] | None = None,
) -> Recognition:
    """The format of `raw`, or of the first data file inside it.

    Raises:
        FormatError: Nothing tells, or the bytes are something that no format reads.
        AccessDenied: It is encrypted, and the password or key is missing or wrong.
    """
    found = peek(raw, options=options, password=password)
    head, encoding = _head(found)
    chosen = _chosen(head, name=found.name, media_type=None if found.compression else media_type)
    if chosen is None or (chosen[0] in _SYNTAXES and chosen[1] < ENOUGH):
        refuse_signature(io.BytesIO(head.content), raw=raw, expected=_KNOWN_HERE)
    if chosen is None:
        raise _unknown(head, raw)
    name, confidence, reasons = chosen
    return Recognition(
        format=name,
        confidence=confidence,
        reasons=reasons,
        compression=found.compression,
        encoding=encoding if head.text else None,
    )


def options_of(part: Part, *, raw: RawFile, stated: FormatOptions | None) -> FormatOptions:
    """The options that `part` is read with.

    What the landing area knows for certain (rows of a query are Parquet) comes first, then what the documents state,
    then recognition.

    Raises:
        FormatError: Nothing tells, or the bytes are something that no format reads.
    """
    if part.format in FORMATS:
        return stated if stated and stated.format == part.format else _plain(part.format)
    if stated is not None:
        return stated
    return _plain(recognise(raw, part.media_type).format)


def reader_of(options: FormatOptions) -> Any:
    """The reader of a format, made with its options."""
    return FORMATS.get(options.format)(options)


def head_of(raw: RawFile) -> Head:
    """The beginning of `raw`, or of the first data file inside it."""
    return _head(peek(raw))[0]


def _chosen(head: Head, *, name: str, media_type: str | None) -> tuple[str, float, tuple[str, ...]] | None:
    """The format, the confidence and the reasons; None where nothing tells."""
    found = {known: FORMATS.get(known).recognises(head) for known in FORMATS}
    likely = {known: likeness for known, likeness in found.items() if likeness is not None}
    hints = _hints(name, media_type)
    if not head.content.strip():
        return next(((known, _NAME_ALONE, (*why, "the file is empty")) for known, (_, why) in hints.items()), None)
    hints, not_believed = _believed(hints, likely)
    candidates = _candidates(likely, hints)
    if not candidates:
        return None
    best = max(candidates, key=lambda known: (_weighed(known, likely, hints), likely[known].confidence))
    confidence = _weighed(best, likely, hints)
    reasons = (likely[best].reason, *hints.get(best, (0.0, ()))[1])
    rival = _rival(best, likely, hints)
    if rival is not None:
        confidence -= _DOUBT
        reasons = (*reasons, f"it could be {rival} as well ({likely[rival].reason})")
    return best, round(confidence, 2), (*reasons, *not_believed)


def _believed(hints: _Hints, likely: dict[str, Likeness]) -> tuple[_Hints, tuple[str, ...]]:
    """The hints that content does not contradict, and what is said of the others where none is left."""
    most = max((likeness.confidence for likeness in likely.values()), default=0.0)
    good = {
        known: hint
        for known, hint in hints.items()
        if known in likely and likely[known].confidence > most - _CONTRADICTED
    }
    if good:
        return good, ()
    # A name that is used for anything says nothing against a content.
    said = dict.fromkeys(said for _, why in hints.values() for said in why if said.rsplit(" ", 1)[-1] not in _COMMON)
    return good, tuple(f"{reason}, against its content" for reason in said)


def _candidates(likely: dict[str, Likeness], hints: _Hints) -> list[str]:
    """The formats among which the weights decide."""
    own = [known for known in likely if known not in _SYNTAXES and likely[known].confidence >= ENOUGH]
    sure = [known for known in likely if likely[known].confidence >= _SURE]
    named = [known for known in likely if known in hints]
    rest = [known for known in likely if likely[known].confidence >= _LIKELY]
    return own or sure or named or rest


def _weighed(known: str, likely: dict[str, Likeness], hints: _Hints) -> float:
    """The confidence of content and hints together, each taken for independent evidence."""
    return 1 - (1 - likely[known].confidence) * (1 - hints.get(known, (0.0, ()))[0])


def _rival(best: str, likely: dict[str, Likeness], hints: _Hints) -> str | None:
    """A format that the content fits as well, where neither name nor media type settles it."""
    if best in hints or likely[best].confidence >= _SURE:
        return None
    others = [known for known in likely if known != best and (known in _SYNTAXES) == (best in _SYNTAXES)]
    close = [known for known in others if likely[known].confidence >= likely[best].confidence - _CLOSE]
    return max(close, key=lambda known: likely[known].confidence, default=None)


def _hints(name: str, media_type: str | None) -> _Hints:
    """What the name and the media type say."""
    suffix = PurePosixPath(name).suffix.lower()
    plain = (media_type or "").partition(";")[0].strip().lower()
    hints: _Hints = {}
    for known in _of_media_type(plain):
        weight = _BY_COMMON_MEDIA_TYPE if plain in _COMMON else _BY_MEDIA_TYPE
        hints[known] = (weight, (f"the media type is {plain}",))
    for known in _of_suffix(suffix):
        before, why = hints.get(known, (0.0, ()))
        weight = _BY_COMMON_NAME if suffix in _COMMON else _BY_NAME
        hints[known] = (1 - (1 - before) * (1 - weight), (*why, f"its name ends in {suffix}"))
    return hints


def _of_media_type(plain: str) -> Iterator[str]:
    if not plain:
        return
    yield from (known for known in FORMATS if plain in FORMATS.get(known).media_types)
    # RFC 6839: what a media type of an application is written in.
    yield from (known for known in ("json", "xml", "yaml") if plain.endswith(f"+{known}") and known in FORMATS)


def _of_suffix(suffix: str) -> Iterator[str]:
    yield from (known for known in FORMATS if suffix and suffix in FORMATS.get(known).suffixes)


def _unknown(head: Head, raw: RawFile) -> FormatError:
    """Why no format reads these bytes. Known foreign ones are raised with a fix of their own."""
    if is_html(head.text.encode()):
        refuse_foreign(head.text.encode(), raw=raw, expected="data")
    refuse_foreign(head.text.encode() or head.content, raw=raw, expected=_KNOWN_HERE)
    return FormatError(
        f"{raw.uri}: nothing tells which format it is of.",
        offset_bytes=0,
        hint=f"state 'format' in the Source; known are {', '.join(FORMATS.names())}",
    )


def _plain(name: str) -> FormatOptions:
    options: FormatOptions = FORMATS.get(name).Options.model_validate({"format": name})
    return options


def _head(found: Peek) -> tuple[Head, str]:
    """The beginning as bytes and as text, and the text's encoding."""
    content = found.content
    signed = _SIGNATURES.match(content) is not None
    if signed or (is_binary(content) and not content.startswith(_WIDE_BOMS) and wide_without_mark(content) is None):
        return Head(content=content, text="", whole=found.whole, name=found.name), ""
    encoding = find_encoding(io.BytesIO(content), declared=None)
    text = content[encoding.bom_bytes :].decode(encoding.name, "replace")
    return Head(content=content, text=text, whole=found.whole, name=found.name), encoding.name
