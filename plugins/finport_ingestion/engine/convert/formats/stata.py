"""Stata data sets (.dta) of all releases from 3 on: codes as stored, moments by their display format.

Columns of bytes, ints and longs are integers; floats and doubles are floats. Values that Stata calls missing are null;
which of them (`.a` to `.z`) a null was, the table `missing_values` says. Labels stand in `value_labels` and
`variables`.

```yaml
convert: {format: stata}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Head, Likeness
from finport_ingestion.engine.convert.reading import study_kind
from finport_ingestion.engine.convert.reading.study_kind import StudyKind
from finport_ingestion.engine.options import FormatOptions

_RELEASES = range(102, 116)


class StataOptions(FormatOptions):
    """What the file does not say itself."""

    format: Literal["stata"]
    encoding: str | None = Field(
        default=None, description="Of the texts of files before Stata 14, e.g. cp1252; Western by default."
    )


class StataFormat:
    """See the module."""

    Options = StataOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".dta",)
    media_types = ("application/x-stata-dta", "application/x-stata")

    def __init__(self, options: StataOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if head.content.startswith(b"<stata_dta>"):
            return Likeness(1.0, "begins with <stata_dta>")
        return Likeness(0.9, "begins as an old Stata file") if is_stata(head.content) else None

    read = study_kind.read
    sample = study_kind.sample

    def study_kind(self) -> StudyKind:
        import pyreadstat

        from finport_ingestion.engine.convert.reading.counted_moments import stata_moment

        return StudyKind(
            name="Stata",
            parse=pyreadstat.read_dta,
            moment_of=stata_moment,
            is_one=is_stata,
            choices={"encoding": self.options.encoding, "user_missing": True},
            tag_prefix=".",
            unread=_why_unread,
            end_of=lambda head: b"</stata_dta>" if head.startswith(b"<stata_dta>") else b"",
        )


def is_stata(content: bytes) -> bool:
    """Whether `content` begins as a Stata file: new ones with a tag, old ones with release, byte order, type and 0."""
    if content.startswith(b"<stata_dta><header><release>"):
        return True
    old = len(content) >= 60 and content[0] in _RELEASES and content[1] in (1, 2)
    return old and content[2] == 1 and content[3] in (0, 1) and content[4:6] != b"\0\0"


def _why_unread(shown: str) -> str:
    unit = shown.removeprefix("%").removeprefix("-")[:2]
    return {"tC": "it counts leap seconds", "tb": "its calendar is not in the file"}.get(unit, "")
