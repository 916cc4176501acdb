"""Real market data, read as text from the packages that ship it.

Prices stay the texts of the packaged CSV files: a price that never was a float can be compared
digit by digit after it went through a source, a format and a storage.

| function | package, file | rows |
|---|---|---|
| `stock_prices` | bokeh-sampledata, stocks | 12,154 daily prices of five tickers |
| `index_prices_csv` | arch, sp500 and nasdaq | 5,031 daily prices each |
| `series_prices` | arch, wti, vix and crude | 10,702 values, 336 of them blank: holidays |
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from finport_ingestion.engine.errors import ConfigError

INDEXES = ("sp500", "nasdaq")

# FRED, where arch has these from, writes a holiday as a full stop.
_BLANK = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPrice:
    """One ticker on one day; numbers spelled as in the packaged file, `date` as YYYY-MM-DD."""

    symbol: str
    date: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    adj_close: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPrice:
    """One value of a series; `date` as YYYY-MM-DD, `value` None where the market was closed."""

    series: str
    date: str
    value: str | None


def stock_prices() -> tuple[StockPrice, ...]:
    """Daily prices of AAPL, FB, GOOG, IBM and MSFT, 2000 to 2013, in the order of the file."""
    return tuple(
        StockPrice(
            symbol=row["Ticker"],
            date=row["Date"],
            open=row["Open"],
            high=row["High"],
            low=row["Low"],
            close=row["Close"],
            volume=row["Volume"],
            adj_close=row["Adj Close"],
        )
        for row in _rows(_packaged("bokeh_sampledata", "_data", "stocks.csv.gz"))
    )


def index_prices_csv(name: str) -> str:
    """The CSV of an index as it ships: its header, CRLF line ends, dates as M/D/YYYY."""
    return _text(_arch(name))


def series_prices() -> tuple[SeriesPrice, ...]:
    """WTI and VIX by day, Brent and WTI by month, ordered by date and series."""
    prices = [
        *_series(_arch("wti"), column="DCOILWTICO", series="WTI"),
        *_series(_arch("vix"), column="vix", series="VIX"),
        *_series(_arch("crude"), column="Brent", series="BRENT_MONTHLY"),
        *_series(_arch("crude"), column="WTI", series="WTI_MONTHLY"),
    ]
    return tuple(sorted(prices, key=lambda price: (price.date, price.series)))


def _series(path: Path, *, column: str, series: str) -> Iterator[SeriesPrice]:
    for row in _rows(path):
        value = row[column]
        yield SeriesPrice(series=series, date=_iso_date(row["Date"]), value=None if value == _BLANK else value)


def _iso_date(text: str) -> str:
    if "/" not in text:
        return text
    month, day, year = text.split("/")
    return f"{datetime(int(year), int(month), int(day)):%Y-%m-%d}"  # noqa: DTZ001 - a calendar day has no zone


def _rows(path: Path) -> csv.DictReader[str]:
    return csv.DictReader(_text(path).splitlines())


def _text(path: Path) -> str:
    # crude.csv begins with a byte order mark, the others do not.
    return gzip.decompress(path.read_bytes()).decode("utf-8-sig")


def _arch(name: str) -> Path:
    return _packaged("arch", "data", name, f"{name}.csv.gz")


def _packaged(package: str, *parts: str) -> Path:
    """A file inside an installed package.

    Only the top package's place is looked up, nothing is imported: `importlib.resources` would
    import `arch`, which brings scipy, statsmodels and pandas and takes five seconds.

    Raises:
        ConfigError: The package is not installed, or of a version that lacks the file.
    """
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(location).joinpath(*parts)
        if path.is_file():
            return path
    raise ConfigError(
        f"the demo reads {'/'.join(parts)} of the Python package {package}, which is not installed here.",
        hint="install the extra 'demo' (make setup does)",
    )
