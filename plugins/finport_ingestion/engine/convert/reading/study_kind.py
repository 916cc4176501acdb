"""What Stata, SPSS and SAS files differ in, and the two methods that their formats share. Imports no parser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.errors import FormatError

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.counted_moments import Moment

_MOST_PADDING_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyKind:
    """How files of one format are read."""

    name: str  # for messages
    parse: Callable[..., tuple[Mapping[str, list[Any]], Any]]
    moment_of: Callable[[str | None], Moment | None]
    is_one: Callable[[bytes], bool]  # by the first bytes
    choices: Mapping[str, Any]  # for `parse`, beside what all formats have
    end_of: Callable[[bytes], bytes] = lambda head: b""  # what a file that begins so must end with
    null_missing: bool = True  # codes that the file declares to be missing values become null
    tag_prefix: str = ""  # "." where missing values are written .a
    unread: Callable[[str], str] = lambda shown: ""  # why a column of this format stays numbers, where one may wonder


class _Format(Protocol):
    def study_kind(self) -> StudyKind: ...


def read(self: _Format, raw: RawFile) -> Iterator[Batch]:
    """Every row of `raw`, in order, then what it says about its columns."""
    from finport_ingestion.engine.convert.reading.statistical import read_statistical

    return read_statistical(raw, self.study_kind())


def sample(self: _Format, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """Rows of the beginning, middle and end of `raw`."""
    from finport_ingestion.engine.convert.reading.statistical import sample_statistical

    return sample_statistical(raw, self.study_kind(), size_bytes=size_bytes)


def refuse_without_end(raw: RawFile, mark: bytes) -> None:
    """Raise FormatError where `mark` is not the end of `raw`.

    ReadStat is content when the rows are there: labels of values stand behind them.
    """
    with raw.open() as stream:
        stream.seek(max(0, raw.size_bytes - len(mark) - _MOST_PADDING_BYTES))
        end = stream.read().rstrip(b"\0 \r\n")
    if not end.endswith(mark):
        raise FormatError(
            f"{raw.uri}: it does not end with {mark.decode()}.",
            offset_bytes=raw.size_bytes,
            hint="ask for the file again: it is cut",
        )
