"""The bad rows of the demo: every one, always the same, and what is wrong with it.

They are added to the real rows of `market.py`, so that quarantine has something to show. Where a
row must not be a duplicate as well, it lies on a weekend, when no real price exists.

Blank values of the database are not here: a holiday has no price, which is no mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from demo.market import SeriesPrice, StockPrice

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted(Generic[Row]):
    """A bad row and the reason why it must not be published."""

    reason: str
    row: Row


STOCKS: tuple[Planted[StockPrice], ...] = (
    Planted(
        reason="close is negative",
        row=StockPrice(
            symbol="AAPL",
            date="2010-06-05",
            open="255.61",
            high="259.01",
            low="253.75",
            close="-255.96",
            volume="27093500",
            adj_close="253.451234567891",
        ),
    ),
    Planted(
        reason="high is below low",
        row=StockPrice(
            symbol="GOOG",
            date="2012-03-03",
            open="622.16",
            high="617.09",
            low="622.78",
            close="621.25",
            volume="1570900",
            adj_close="621.25",
        ),
    ),
    Planted(
        reason="symbol is blank",
        row=StockPrice(
            symbol="",
            date="2009-01-03",
            open="85.88",
            high="91.04",
            low="85.16",
            close="90.75",
            volume="26643400",
            adj_close="89.861112345678",
        ),
    ),
    Planted(
        reason="date lies in the future",
        row=StockPrice(
            symbol="MSFT",
            date="2099-12-31",
            open="27.85",
            high="28.01",
            low="27.76",
            close="27.94",
            volume="34849900",
            adj_close="27.94",
        ),
    ),
    Planted(
        reason="symbol and date are there twice, with another close",
        row=StockPrice(
            symbol="IBM",
            date="2013-03-01",
            open="200.65",
            high="202.94",
            low="198.15",
            close="198.22",
            volume="3307800",
            adj_close="198.22",
        ),
    ),
)

# Lines of the files in `prices/`: Date,Open,High,Low,Close,Adj Close,Volume.
INDEX_LINES: dict[str, tuple[Planted[str], ...]] = {
    "sp500": (
        Planted(
            reason="close is not a number",
            row="6/3/2006,1288.160034,1290.680054,1280.219971,n/a,1288.219971,2313470000",
        ),
        Planted(
            reason="high is below low",
            row="3/3/2012,1364.329956,1363.430054,1373.910034,1369.630005,1369.630005,3283490000",
        ),
    ),
    "nasdaq": (
        Planted(
            reason="close is negative",
            row="6/5/2010,2225.790039,2237.949951,2213.429932,-2219.169922,2219.169922,2409160000",
        ),
        Planted(
            reason="date lies in the future",
            row="12/31/2099,6649.52002,6659.959961,6570.060059,6635.279785,6635.279785,2098560000",
        ),
        Planted(
            reason="date is there twice, with another close",
            row="12/28/2018,6616.790039,6684.180176,6529.220215,6585.52002,6585.52002,2199090000",
        ),
    ),
}

SERIES: tuple[Planted[SeriesPrice], ...] = (
    Planted(reason="value is negative", row=SeriesPrice(series="VIX", date="2017-06-10", value="-10.70")),
    Planted(reason="series is blank", row=SeriesPrice(series="", date="2018-06-09", value="65.74")),
    Planted(reason="date lies in the future", row=SeriesPrice(series="WTI", date="2099-12-31", value="46.92")),
    Planted(
        reason="series and date are there twice, with another value",
        row=SeriesPrice(series="WTI", date="2019-01-02", value="46.32"),
    ),
)
