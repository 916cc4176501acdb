"""Files beside the data that state its checksum, as sha256sum, md5sum and their relatives write them."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.files.options import FileSetOptions

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
"""No file that states a checksum is longer."""

_KINDS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""By the number of hexadecimal digits."""
_GNU = re.compile(r"^\\?([0-9A-Fa-f]{32,128})(?:[ \t]+[ *]?(.+))?$")
_BSD = re.compile(r"^([A-Za-z0-9-]+) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})$")


def with_checksums(
    items: Iterable[SourceItem], options: FileSetOptions, *, read: Callable[[str], bytes], source: str
) -> Iterator[SourceItem]:
    """The items with the checksums that the files beside them state; all of them as they are without `checksumSuffix`.

    Args:
        read: The first MOST_BYTES of the file at a path below the source's folder.
        source: The document's name, for messages.

    Raises:
        FormatError: Such a file states something else.
    """
    for item in items:
        if options.checksum_suffix is None:
            yield item
            continue
        beside = f"{item.id}{options.checksum_suffix}"
        content = read(beside)
        if not content.strip():
            log.warning("%s: %s is still empty; %s is left for the next run", source, beside, item.id)
            continue
        checksum = stated_checksum(content, item.id)
        if checksum is None:
            raise FormatError(
                f"{source}: {beside} states no checksum of {PurePosixPath(item.id).name}.",
                hint="it has to be as sha256sum or md5sum writes it; or leave checksumSuffix out of the source",
            )
        yield dataclasses.replace(item, checksum=checksum)


def stated_checksum(content: bytes, path: str) -> str | None:
    """`sha256:<hex>` (or md5, sha1, sha512) of the file `path`, or None where `content` does not state it.

    One line without a name, `<hex>  <name>`, or BSD's `SHA256 (<name>) = <hex>`; of several lines, the one that names
    the file.
    """
    name = PurePosixPath(path).name
    lines = content.decode("utf-8", errors="replace").removeprefix("\ufeff").splitlines()
    stated = [found for line in lines if (found := _of_line(line.strip()))]
    named = [
        checksum for checksum, of in stated if of is not None and PurePosixPath(of.replace("\\", "/")).name == name
    ]
    if named:
        return named[0]
    nameless = [checksum for checksum, of in stated if of is None]
    return nameless[0] if len(stated) == 1 and nameless else None


def _of_line(line: str) -> tuple[str, str | None] | None:
    if bsd := _BSD.match(line):
        kind, name, digits = bsd[1].lower().replace("-", ""), bsd[2], bsd[3]
        return (f"{kind}:{digits.lower()}", name) if _KINDS.get(len(digits)) == kind else None
    if (gnu := _GNU.match(line)) and len(gnu[1]) in _KINDS:
        return f"{_KINDS[len(gnu[1])]}:{gnu[1].lower()}", gnu[2]
    return None
