"""Trades as texts: the same rows for every benchmark, whatever the format of its file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

FIRST_ID = 10_000_000
COLUMNS = (
    "trade_id",
    "ts",
    "symbol",
    "isin",
    "side",
    "price",
    "quantity",
    "amount",
    "venue",
    "account",
    "fee",
    "trade_date",
    "seq",
)
_ROWS_PER_FRAME = 100_000
_MICROSECONDS_BETWEEN = 4_500
_OPENING = np.datetime64("2026-01-05T09:30:00", "us")
_KNOWN = ("AAPL", "AMZN", "BAC", "CVX", "DIS", "GOOG", "JPM", "KO", "MSFT", "NVDA", "PEP", "PFE", "TSLA", "WMT", "XOM")
_SYMBOLS = np.array([*_KNOWN, *(f"T{number:03}" for number in range(500))])
_VENUES = np.array(["XNAS", "XNYS", "ARCX", "BATS", "IEXG", "EDGX"])


def frames(rows: int) -> Iterator[pl.DataFrame]:
    """The first `rows` trades, 100,000 at a time; every column is text."""
    for start in range(0, rows, _ROWS_PER_FRAME):
        yield _frame(start).head(rows - start)


def _frame(start: int) -> pl.DataFrame:
    count = _ROWS_PER_FRAME
    random = np.random.default_rng([4, start])
    waits = random.integers(0, 2 * _MICROSECONDS_BETWEEN, count)
    moments = _OPENING + (start * _MICROSECONDS_BETWEEN + np.cumsum(waits)).astype("timedelta64[us]")
    price = (random.lognormal(4, 1, count) * 10_000).astype(np.int64)
    quantity = random.integers(1, 5_000, count)
    fee = random.integers(0, 99, count)
    return (
        pl.DataFrame(
            {
                "trade_id": np.arange(start, start + count) + FIRST_ID,
                "ts": moments,
                "symbol": _SYMBOLS[random.integers(0, len(_SYMBOLS), count)],
                "isin": random.integers(0, 5_000, count) * 10,
                "side": np.array(["B", "S"])[random.integers(0, 2, count)],
                "price": price,
                "quantity": quantity,
                "amount": price * quantity // 100,
                "venue": _VENUES[random.integers(0, len(_VENUES), count)],
                "account": random.integers(0, 20_000, count),
                "fee": np.where(fee % 7 == 0, -fee, fee),
                "trade_date": moments,
                "seq": random.integers(1, 10_000_000, count),
            }
        )
        .select(
            pl.col("trade_id", "quantity", "seq").cast(pl.String),
            pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
            pl.col("symbol", "side", "venue"),
            pl.col("account").cast(pl.String).str.zfill(8),
            pl.col("trade_date").dt.strftime("%Y-%m-%d"),
            isin=pl.lit("US") + pl.col("isin").cast(pl.String).str.zfill(10),
            price=_decimal("price", 4),
            amount=_decimal("amount", 2),
            fee=_decimal("fee", 2),
        )
        .select(COLUMNS)
    )


def _decimal(name: str, scale: int) -> pl.Expr:
    """An integer as a text with `scale` digits behind the point."""
    number = pl.col(name)
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, fraction = number.abs() // 10**scale, number.abs() % 10**scale
    return pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), fraction.cast(pl.String).str.zfill(scale))
