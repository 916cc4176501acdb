"""Tables as they are meant and as texts, and the dialects of delimited text that they are written in: strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

_CLEARLY_TEXT = "a word: 1"
_NO_VALUES = ["NA", "N/A", "null", "NULL", "None", "nan", "-", "--", "?", "#N/A", "n.a.", ".", "\\N"]
_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])


@dataclass(frozen=True)
class Column:
    """A column as it is meant, and as it is spelled with a decimal point."""

    name: str
    logical: str  # the type's kind
    values: list[Any]
    texts: list[str | None]


def spelled(values: Sequence[Any], spell: Callable[[Any], str]) -> list[str | None]:
    return [None if value is None else spell(value) for value in values]


def nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, values, values, st.none())


def typed(
    name: str, logical: str, values: st.SearchStrategy[Any], spell: Callable[[Any], str]
) -> Callable[[int], st.SearchStrategy[Column]]:
    """Columns whose texts tell their type."""

    def of(rows: int) -> st.SearchStrategy[Column]:
        listed = st.lists(nullable(values), min_size=rows, max_size=rows)
        return listed.map(lambda found: Column(name, logical, found, spelled(found, spell)))

    return of


def decimals(rows: int) -> st.SearchStrategy[Column]:
    return st.integers(1, 6).flatmap(
        lambda scale: typed(
            "price",
            "decimal",
            st.integers(-(10**14), 10**14).map(lambda units: Decimal(units).scaleb(-scale)),
            lambda value: f"{value:.{scale}f}",
        )(rows)
    )


def moments(rows: int) -> st.SearchStrategy[Column]:
    found = st.datetimes(min_value=datetime(1000, 1, 1))  # noqa: DTZ001 - as files have them
    digits = st.sampled_from(["auto", "seconds", "microseconds"])
    between = st.sampled_from([" ", "T"])
    return st.tuples(between, digits).flatmap(
        lambda way: typed(
            "seen",
            "timestamp",
            found.map(lambda value: value.replace(microsecond=0) if way[1] == "seconds" else value),
            lambda value: value.isoformat(sep=way[0], timespec=way[1]),
        )(rows)
    )


_OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
_AWARE = st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30), timezones=_OFFSETS)  # noqa: DTZ001


def free_text(rows: int) -> st.SearchStrategy[Column]:
    """At least one of them is nothing but text, so that all are."""
    pieces = st.one_of(
        st.sampled_from([*",;|\t\"'\n ", "\r\n", '""', '","', "#", "NA", "0", "1.5", "2024-01-02", "Zürich", "\u2028"]),
        st.text(_CHARACTERS, max_size=4),
    )
    texts = st.one_of(st.lists(pieces, min_size=1, max_size=5).map("".join), st.sampled_from(_NO_VALUES))
    return st.lists(nullable(texts), min_size=rows - 1, max_size=rows - 1).map(
        lambda found: Column("note", "text", [*found, _CLEARLY_TEXT], [*found, _CLEARLY_TEXT])
    )


def identifiers(rows: int) -> st.SearchStrategy[Column]:
    digits = st.text("0123456789", min_size=1, max_size=12)
    return st.lists(nullable(digits), min_size=rows - 1, max_size=rows - 1).map(
        lambda found: Column("reference", "identifier", [*found, "007"], [*found, "007"])
    )


KINDS = [
    typed("count", "integer", st.integers(-(10**18) + 1, 10**18 - 1), str),
    typed("huge", "identifier", st.integers(10**18, 10**30).map(str), str),
    decimals,
    typed("traded", "date", st.dates(min_value=date(1000, 1, 1)), date.isoformat),
    moments,
    typed("settled", "timestamp(UTC)", _AWARE, datetime.isoformat),
    typed("flag", "boolean", st.booleans(), lambda value: str(value).lower()),
    typed("clock", "time", st.times().map(lambda value: value.replace(microsecond=0)), time.isoformat),
    identifiers,
    free_text,
]


@st.composite
def tables(draw: st.DrawFn, least: int = 1) -> list[Column]:
    """A few columns beside one of numbers, which no reader can take for a comment, a blank line or a footer."""
    rows = draw(st.integers(least, 12))
    chosen = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5, unique=True))
    columns = [Column("row", "integer", [*range(rows)], [str(row) for row in range(rows)])]
    return columns + [draw(kind(rows)) for kind in chosen]


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written."""

    format: str
    delimiter: str
    quoting: str  # "minimal", "all", "none"
    end: str
    encoding: str
    header: bool

    def options(self, columns: Sequence[Column]) -> dict[str, Any]:
        found: dict[str, Any] = {"format": self.format, "header": self.header}
        found |= {"delimiter": self.delimiter} if self.format == "csv" else {}
        found |= {"quote": ""} if self.quoting == "none" else {}
        found |= {"encoding": self.encoding} if self.encoding in ("cp1252", "latin-1") else {}
        return found | ({} if self.header else {"columns": [column.name for column in columns]})

    def write(self, columns: Sequence[Column]) -> bytes:
        """The file; whatever cannot be written in the dialect is not tried."""
        head = [[column.name for column in columns]] if self.header else []
        rows = zip(*(column.texts for column in columns), strict=True)
        text = "".join(self.delimiter.join(map(self._field, row)) + self.end for row in [*head, *rows])
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            assume(False)
            raise

    def _field(self, text: str | None) -> str:
        found = text or ""
        special = any(mark in found for mark in (self.delimiter, "\n", "\r", '"'))
        if self.quoting == "none":
            assume(not special)
            return found
        if self.quoting == "minimal" and not special:
            return found
        return '"' + found.replace('"', '""') + '"'


DIALECTS = st.builds(
    lambda mark, quoting, end, encoding, header: Dialect(
        {",": "csv", ";": "csv", "\t": "tsv", "|": "psv"}[mark], mark, quoting, end, encoding, header
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["minimal", "all", "none"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]),
    st.booleans(),
)
