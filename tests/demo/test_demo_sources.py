"""The demo's sources as their clients see them: HTTPS with OAuth2, CSV files, PostgreSQL."""

from __future__ import annotations

import csv
import json
import socket
import ssl
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from demo import planted
from demo.endpoints import Endpoints
from demo.market import INDEXES, StockPrice, index_prices_csv, series_prices, stock_prices
from demo.sources import DemoSources

STOCKS = 12_154
INDEX_DAYS = 5_031


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with DemoSources(tmp_path_factory.mktemp("demo")) as endpoints:
        yield endpoints


@pytest.fixture(scope="module")
def anonymous(endpoints: Endpoints) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=endpoints.ca_file)
    with httpx.Client(base_url=endpoints.api_url, verify=context, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def api(endpoints: Endpoints, anonymous: httpx.Client) -> Iterator[httpx.Client]:
    token = anonymous.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(endpoints.client_id, endpoints.client_secret),
    ).json()
    assert token["expires_in"] == 300
    context = ssl.create_default_context(cafile=endpoints.ca_file)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    with httpx.Client(base_url=endpoints.api_url, verify=context, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def database(endpoints: Endpoints) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(
        host=endpoints.host,
        port=endpoints.database_port,
        dbname=endpoints.database_name,
        user=endpoints.database_user,
        password=endpoints.database_password,
    ) as connection:
        yield connection


def pages(api: httpx.Client, link: str) -> Iterator[dict[str, Any]]:
    """Every page from `link` on, numbers as the texts that stand in the JSON."""
    while link:
        response = api.get(link).raise_for_status()
        page = json.loads(response.content, parse_float=str, parse_int=str)
        assert response.links.get("next", {}).get("url") == page["next"]
        yield page
        link = page["next"]


def test_pages_hold_every_price_once_spelled_as_packaged(api: httpx.Client) -> None:
    found = list(pages(api, "/v1/stocks"))
    rows = [StockPrice(**row) for page in found for row in page["data"]]
    assert len(rows) == STOCKS + len(planted.STOCKS)
    assert {page["total"] for page in found} == {str(len(rows))}
    assert [len(page["data"]) for page in found] == [1000] * 12 + [159]
    expected = [*stock_prices(), *(each.row for each in planted.STOCKS)]
    assert rows == sorted(expected, key=lambda row: (row.date, row.symbol))


def test_since_gives_that_day_and_later_in_pages_of_the_size_asked(api: httpx.Client) -> None:
    found = list(pages(api, "/v1/stocks?since=2013-01-02&per_page=50"))
    rows = [row for page in found for row in page["data"]]
    expected = [row for row in stock_prices() if row.date >= "2013-01-02"]
    assert rows[0]["date"] == "2013-01-02"
    assert len(rows) == len(expected) + 2  # the duplicate of 2013 and the row of 2099
    assert all(len(page["data"]) == 50 for page in found[:-1])


def test_a_page_after_the_last_is_empty_and_leads_nowhere(api: httpx.Client) -> None:
    page = api.get("/v1/stocks?page=99").raise_for_status().json()
    assert (page["data"], page["next"], page["pages"]) == ([], None, 13)


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=5001", "since=yesterday", "since=2013-02-30"])
def test_a_wrong_parameter_is_named_in_the_answer(api: httpx.Client, query: str) -> None:
    response = api.get(f"/v1/stocks?{query}")
    assert response.status_code == 400
    assert query.partition("=")[0] in response.json()["title"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_stocks_without_a_valid_token_are_refused(anonymous: httpx.Client, headers: dict[str, str]) -> None:
    response = anonymous.get("/v1/stocks", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_the_client_may_put_its_credentials_into_the_form(endpoints: Endpoints, anonymous: httpx.Client) -> None:
    form = {"client_id": endpoints.client_id, "client_secret": endpoints.client_secret}
    answer = anonymous.post("/oauth/token", data={"grant_type": "client_credentials", **form})
    assert answer.raise_for_status().headers["cache-control"] == "no-store"
    token = answer.json()["access_token"]
    assert anonymous.get("/v1/stocks?per_page=1", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_token_endpoint_refuses_as_the_standard_says(endpoints: Endpoints, anonymous: httpx.Client) -> None:
    client = (endpoints.client_id, endpoints.client_secret)
    grant = {"grant_type": "client_credentials"}
    wrong = anonymous.post("/oauth/token", data=grant, auth=(client[0], "wrong"))
    other = anonymous.post("/oauth/token", data={"grant_type": "password"}, auth=client)
    nobody = anonymous.post("/oauth/token", data=grant)
    assert [(each.status_code, each.json()["error"]) for each in (wrong, other, nobody)] == [
        (401, "invalid_client"),
        (400, "unsupported_grant_type"),
        (400, "invalid_request"),
    ]


def test_an_unchanged_collection_is_not_sent_again(api: httpx.Client) -> None:
    link = "/v1/stocks?since=2013-01-01"
    whole, head = api.get(link), api.head(link)
    assert whole.headers["etag"] == head.headers["etag"] == api.get(f"{link}&page=2").headers["etag"]
    assert head.content == b""
    for known in (whole.headers["etag"], f'"other", {whole.headers["etag"]}', "*"):
        same = api.get(link, headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
    assert api.get("/v1/stocks", headers={"If-None-Match": whole.headers["etag"]}).status_code == 200


def test_answers_tell_what_is_left_of_the_rate_limit(api: httpx.Client) -> None:
    first, second = api.head("/v1/stocks").headers, api.head("/v1/stocks").headers
    assert int(first["ratelimit-remaining"]) - int(second["ratelimit-remaining"]) in (1, -599)
    assert 1 <= int(second["ratelimit-reset"]) <= 60


def test_tls_is_1_3_and_nothing_below(endpoints: Endpoints) -> None:
    def handshake(newest: ssl.TLSVersion) -> str | None:
        context = ssl.create_default_context(cafile=endpoints.ca_file)
        context.maximum_version = newest
        with (
            socket.create_connection((endpoints.host, endpoints.api_port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=endpoints.host) as secured,
        ):
            return secured.version()

    assert handshake(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("name", INDEXES)
def test_price_files_are_the_packaged_ones_and_the_planted_lines(endpoints: Endpoints, name: str) -> None:
    text = (Path(endpoints.prices_folder) / f"{name}.csv").read_bytes().decode()
    real = index_prices_csv(name)
    assert text.startswith(real)
    assert text.removeprefix(real).splitlines() == [each.row for each in planted.INDEX_LINES[name]]
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == INDEX_DAYS + len(planted.INDEX_LINES[name])
    assert list(rows[0]) == ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
    assert {path.name for path in Path(endpoints.prices_folder).iterdir()} == {f"{each}.csv" for each in INDEXES}


def test_database_values_are_the_packaged_digits_and_holidays_are_null(
    database: psycopg.Connection[tuple[Any, ...]],
) -> None:
    rows = database.execute("select series, date::text, value::text from commodity_prices order by id").fetchall()
    expected = [*series_prices(), *(each.row for each in planted.SERIES)]
    assert rows == [(price.series, price.date, price.value) for price in expected]
    assert len(rows) == 8_611 + 1_305 + 2 * 393 + len(planted.SERIES)
    assert sum(value is None for _, _, value in rows) == 290 + 46


def test_the_table_suits_partitioned_and_incremental_reads(database: psycopg.Connection[tuple[Any, ...]]) -> None:
    question = (
        "select count(*), min(id), max(id), max(updated_at) < now(),"
        " bool_and(updated_at > lag) from (select *, lag(updated_at) over (order by updated_at, id) - interval '1 s'"
        " as lag from commodity_prices) as ordered"
    )
    row = database.execute(question).fetchone()
    assert row is not None
    assert row[0] == row[2]
    assert row[1:] == (1, row[0], True, True)


def test_the_reader_of_the_database_cannot_write(database: psycopg.Connection[tuple[Any, ...]]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("delete from commodity_prices")


def test_a_wrong_database_password_is_refused(endpoints: Endpoints) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=endpoints.host,
            port=endpoints.database_port,
            dbname=endpoints.database_name,
            user=endpoints.database_user,
            password="wrong",
        )


def test_planted_rows_are_wrong_in_the_way_they_say_and_real_ones_are_not() -> None:
    def faults(row: StockPrice) -> set[str]:
        found = {
            "close is negative": Decimal(row.close) < 0,
            "high is below low": Decimal(row.high) < Decimal(row.low),
            "symbol is blank": not row.symbol,
            "date lies in the future": row.date > "2090",
            "symbol and date are there twice, with another close": (row.symbol, row.date) in real and row not in prices,
        }
        return {fault for fault, there in found.items() if there}

    prices = set(stock_prices())
    real = {(price.symbol, price.date) for price in prices}
    assert [faults(each.row) for each in planted.STOCKS] == [{each.reason} for each in planted.STOCKS]
    assert not any(faults(price) for price in prices)
    with pytest.raises(InvalidOperation):
        Decimal(planted.INDEX_LINES["sp500"][0].row.split(",")[4])


def test_the_environment_holds_connections_as_airflow_reads_them(endpoints: Endpoints) -> None:
    found = {name: json.loads(value) for name, value in endpoints.environment().items()}
    http = found["AIRFLOW_CONN_FINPORT_DEMO_API"]
    assert (http["conn_type"], http["host"], http["login"]) == ("finport_http", endpoints.api_url, endpoints.client_id)
    assert Path(http["extra"]["ca_file"]).is_file()
    assert found["AIRFLOW_CONN_FINPORT_DEMO_FILES"] == {
        "conn_type": "finport_file",
        "extra": {"path": endpoints.prices_folder},
    }
    postgres = found["AIRFLOW_CONN_FINPORT_DEMO_DATABASE"]
    assert (postgres["conn_type"], postgres["schema"]) == ("postgres", "market")
    assert endpoints.client_secret not in repr(endpoints)
    assert endpoints.database_password not in repr(endpoints)
