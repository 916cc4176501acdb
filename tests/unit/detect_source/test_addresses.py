"""What an address tells of where the data are."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.detect_source.addresses import options_of


@pytest.mark.parametrize(
    ("protocol", "address", "options"),
    [
        ("sftp", "sftp://files.example.com/out/daily/", {"path": "/out/daily"}),
        ("sftp", "sftp://files.example.com:2222/out/*.csv", {"path": "/out", "pattern": "*.csv"}),
        ("sftp", "sftp://files.example.com/", {}),
        ("ftp", "ftp://files.example.com/pub/prices.csv.gz", {"path": "pub", "pattern": "prices.csv.gz"}),
        ("ftp", "ftps://files.example.com/prices%20of%20today.csv", {"pattern": "prices of today.csv"}),
        ("s3", "s3://market-data", {"bucket": "market-data"}),
        ("s3", "s3://market-data/v1.2x/prices/", {"bucket": "market-data", "path": "v1.2x/prices"}),
        (
            "gcs",
            "gs://market-data/prices/[ab].json",
            {"bucket": "market-data", "path": "prices", "pattern": "[ab].json"},
        ),
        (
            "azure_blob",
            "abfss://prices@account.dfs.core.windows.net/daily",
            {"container": "prices", "path": "daily"},
        ),
        ("kafka", "kafka://broker.example.com:9092/prices", {"topic": "prices"}),
        ("kafka", "kafka://broker.example.com:9092", {}),
        ("mongodb", "mongodb://db.example.com/market/prices", {"database": "market", "collection": "prices"}),
        ("mongodb", "mongodb://db.example.com/market", {"database": "market"}),
        ("websocket", "wss://stream.example.com/v2/trades?feed=sip", {"path": "/v2/trades", "query": {"feed": "sip"}}),
        ("websocket", "wss://stream.example.com", {}),
        ("sql", "postgresql://db.example.com/market", {}),
        ("redis", "redis://cache.example.com/0", {}),
    ],
)
def test_the_options_of_an_address(protocol: str, address: str, options: dict[str, object]) -> None:
    assert options_of(protocol, address) == options
