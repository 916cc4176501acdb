"""SPSS system files (.sav and .zsav): codes as stored, moments by their display format.

Every number of SPSS is a float. Codes that the file declares to be missing values are null; which code a null was, the
table `missing_values` says. Labels stand in `value_labels` and `variables`. Blanks at the end of texts are padding.

```yaml
convert: {format: spss, userMissing: keep}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Head, Likeness
from finport_ingestion.engine.convert.reading import study_kind
from finport_ingestion.engine.convert.reading.study_kind import StudyKind
from finport_ingestion.engine.options import FormatOptions

_PORTABLE_MARK = b"SPSSPORT"
_PORTABLE_MARK_AT = 456  # behind five titles of 40 characters and a table of 256; line ends not counted


class SpssOptions(FormatOptions):
    """What the file does not say itself."""

    format: Literal["spss"]
    encoding: str | None = Field(default=None, description="Of its texts, where it states none or a wrong one.")
    user_missing: Literal["null", "keep"] = Field(
        default="null", description="What becomes of codes that the file declares to be missing values."
    )


class SpssPortableOptions(FormatOptions):
    """Nothing to choose: ReadStat gives no codes of missing values out of these files, so they are null."""

    format: Literal["spss_portable"]


class SpssFormat:
    """See the module."""

    Options = SpssOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".sav", ".zsav")
    media_types = ("application/x-spss-sav", "application/x-spss-savefile")

    def __init__(self, options: SpssOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(1.0, f"begins with {head.content[:4].decode()}") if is_spss(head.content) else None

    read = study_kind.read
    sample = study_kind.sample

    def study_kind(self) -> StudyKind:
        import pyreadstat

        from finport_ingestion.engine.convert.reading.counted_moments import spss_moment

        return StudyKind(
            name="SPSS",
            parse=pyreadstat.read_sav,
            moment_of=spss_moment,
            is_one=is_spss,
            choices={"encoding": self.options.encoding, "user_missing": True},
            null_missing=self.options.user_missing == "null",
        )


class SpssPortableFormat:
    """SPSS portable files (.por): as system files, in a text of 80 columns with numbers of base 30."""

    Options = SpssPortableOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".por",)
    media_types = ("application/x-spss-por",)

    def __init__(self, options: SpssPortableOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(1.0, "has the mark SPSSPORT") if is_portable(head.content) else None

    read = study_kind.read
    sample = study_kind.sample

    def study_kind(self) -> StudyKind:
        import pyreadstat

        from finport_ingestion.engine.convert.reading.counted_moments import spss_moment

        return StudyKind(
            name="SPSS portable",
            parse=pyreadstat.read_por,
            moment_of=spss_moment,
            is_one=is_portable,
            choices={},
        )


def is_spss(content: bytes) -> bool:
    """Whether `content` begins as a system file."""
    return content.startswith((b"$FL2@(#)", b"$FL3@(#)"))


def is_portable(content: bytes) -> bool:
    """Whether `content` has the mark of a portable file where it must stand."""
    flat = content[:600].replace(b"\r", b"").replace(b"\n", b"")
    return flat[_PORTABLE_MARK_AT:].startswith(_PORTABLE_MARK)
