"""Names of files in archives: which may not be, which are no data, and how they are shown."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from finport_ingestion.engine.errors import FormatError

_SEPARATORS = re.compile(r"[/\\]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LEFTOVERS = {".ds_store", "thumbs.db", "desktop.ini"}
_MARKERS = {".done", ".ok", ".ready", ".complete", ".completed", ".success", ".flag", ".trigger", ".go", ".end", ".sem"}


def safe_name(name: str, *, uri: str) -> str:
    """A member's path with single slashes and without `.`, fit for a message.

    Raises:
        FormatError: It leads out of the archive.
    """
    steps = [step for step in _SEPARATORS.split(name) if step not in ("", ".")]
    if not steps or ".." in steps or name[:1] in ("/", "\\") or _DRIVE.match(name):
        raise FormatError(
            f"{uri}: the name of its entry '{_printable(name)}' leads out of the archive.",
            hint="do not open this file: honest programs do not write such names",
        )
    return _printable("/".join(steps))


def _printable(name: str) -> str:
    """`name` with everything escaped that could forge a line, a colour or a direction of a message."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", name)


def is_leftover(name: str) -> bool:
    """Whether an operating system left the file behind."""
    steps = PurePosixPath(name).parts
    return "__MACOSX" in steps[:-1] or steps[-1].lower() in _LEFTOVERS or steps[-1].startswith("._")


def is_marker(name: str) -> bool:
    """Whether an empty file of this name only says that something is complete."""
    plain = PurePosixPath(name)
    return plain.name.startswith(("_", ".")) or plain.suffix.lower() in _MARKERS


def is_wanted(names: Sequence[str], pattern: str | None) -> bool:
    """Whether a pattern means one of these names, as a whole or their last step."""
    if pattern is None:
        return True
    shorter = (PurePosixPath(name).name for name in names)
    return any(fnmatch.fnmatchcase(name, pattern) for name in (*names, *shorter))
