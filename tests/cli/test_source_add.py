"""`finport source add`: what it finds out over a real server, and that what it writes runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.project import ProjectFolder
from tests.conformance.sources.access import PLANTED_SECRET, UNESCAPED_SECRET
from tests.services.web import WebServer
from tests.services.web_files import WebFile
from tests.services.web_replies import Answer, Reply, Request, error_reply, json_reply, text_reply
from tests.services.web_tokens import TokenEndpoint

PATH = "/v1/rates"
RATES = [
    {"date": f"2026-11-{day}", "currency": currency, "rate": f"1.{day}"}
    for day in (20, 23)
    for currency in ("USD", "GBP")
]


def pages(request: Request) -> Reply:
    """Two pages, with an ETag for both and a stated limit."""
    number = int(request.parameter("page", "1"))
    headers = {"ETag": '"7"', "RateLimit-Policy": "600;w=60"}
    if request.headers.get("if-none-match") == '"7"':
        return Answer(b"", 304, headers)
    return json_reply({"data": RATES[2 * number - 2 : 2 * number], "page": number, "pages": 2}, headers=headers)


def add(project: ProjectFolder, server: WebServer, *more: object, path: str = PATH) -> str:
    options = ("--ca-file", server.ca_path, "--allow-private-network", "--yes", "--label", "workflow=daily")
    return project.done("source", "add", server.url(path), "--name", "rates", *options, *more)


def written(project: ProjectFolder) -> str:
    return (project.folder / "include/configs/sources/rates.yaml").read_text()


def proposed(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["about"]: row["value"] for row in told["proposals"]}


def test_an_open_api_is_added_and_ingested_by_what_the_command_says(
    ready: ProjectFolder, web_server: WebServer
) -> None:
    web_server.add(PATH, pages)
    told = add(ready, web_server)
    text = written(ready)
    assert "pagination: {style: page, parameter: page, totalPages: pages, records: data}" in text
    assert "convert: {format: json, records: data}" in text
    assert "limits: {rate: 600/minute}" in text
    assert "# changes 0.95: it states an ETag; asked again for changes only, it answered 304" in text
    assert "- {name: rate, type:" in text
    commands = [line.split()[1:] for line in told.partition("next:\n")[2].splitlines()]
    assert [command[:2] for command in commands] == [
        ["validate"],
        ["source", "check"],
        ["source", "sample"],
        ["ingest", "rates"],
    ]
    for command in commands:
        ready.done(*command)
    assert len(ready.json("read", "rates")) == len(RATES)


def test_few_requests_are_sent(project: ProjectFolder, web_server: WebServer) -> None:
    web_server.add(PATH, pages)
    add(project, web_server, "--dry-run")
    assert len(web_server.requests) == 3


def test_a_dry_run_shows_the_document_and_writes_nothing(project: ProjectFolder, web_server: WebServer) -> None:
    web_server.add(PATH, pages)
    before = sorted(project.folder.rglob("*"))
    assert "pagination: {style: page" in add(project, web_server, "--dry-run")
    assert sorted(project.folder.rglob("*")) == before


def test_a_key_is_wanted_and_the_command_says_where_it_goes(project: ProjectFolder, web_server: WebServer) -> None:
    refusal = {"message": "send the key in the header X-Vendor-Key"}
    web_server.add(PATH, json_reply(refusal, status=403))
    told = add(project, web_server)
    assert 'export AIRFLOW_CONN_RATES=\'{"conn_type": "finport_http", "password": "..."}\'' in told
    assert "look most at: pagination" in told
    access = (project.folder / "include/configs/authentication/rates-access.yaml").read_text()
    assert "auth: {method: api_key, header: X-Vendor-Key}" in access
    assert "authentication: rates-access" in written(project)
    project.done("validate")


def test_with_credentials_the_api_behind_them_is_looked_at(
    project: ProjectFolder, web_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_key(request: Request) -> Reply:
        if request.headers.get("x-vendor-key") == PLANTED_SECRET:
            return pages(request)
        return json_reply({"message": "X-Vendor-Key is missing"}, status=401)

    web_server.add(PATH, with_key)
    fields = {"conn_type": "finport_http", "password": PLANTED_SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_VENDOR", json.dumps(fields))
    told = project.json(
        "source", "add", web_server.url(PATH), "--name", "rates", *_way(web_server), "--connection", "vendor"
    )
    assert proposed(told)["authentication"] == {"method": "api_key", "header": "X-Vendor-Key"}
    assert proposed(told)["pagination"]["style"] == "page"
    assert UNESCAPED_SECRET not in json.dumps(told)
    assert "connection: vendor" in written(project)


def test_oauth2_is_told_by_the_challenge(project: ProjectFolder, web_server: WebServer) -> None:
    web_server.add(PATH, TokenEndpoint().protect(pages))
    told = project.json("source", "add", web_server.url(PATH), "--name", "rates", *_way(web_server))
    assert proposed(told)["authentication"]["method"] == "oauth2_client_credentials"


def test_a_key_in_the_address_is_used_and_not_written(project: ProjectFolder, web_server: WebServer) -> None:
    def with_key(request: Request) -> Reply:
        return pages(request) if request.parameter("apikey") == UNESCAPED_SECRET else error_reply(401)

    web_server.add(PATH, with_key)
    told = add(project, web_server, path=f"{PATH}?base=EUR&apikey={UNESCAPED_SECRET}")
    texts = [told, *(path.read_text() for path in (project.folder / "include").rglob("*.yaml"))]
    assert [text for text in texts if UNESCAPED_SECRET in text] == []
    assert "query: {base: EUR}" in written(project)
    assert "'apikey' of the address is not in the document" in told
    project.done("validate")


def test_a_file_of_csv_behind_a_url_has_no_pages(project: ProjectFolder, web_server: WebServer) -> None:
    web_server.add("/rates.csv", WebFile(b"date,rate\n2026-11-23,1.15\n2026-11-24,1.16\n", content_type="text/csv"))
    add(project, web_server, path="/rates.csv")
    assert "convert: {format: csv}" in written(project)
    assert "pagination: {style: none}" in written(project)


def test_what_a_server_says_cannot_become_a_part_of_the_document(project: ProjectFolder, web_server: WebServer) -> None:
    body = "\nspec: {enabled: false}\n#"
    web_server.add(PATH, text_reply(f"X-Key{body}", status=401))
    add(project, web_server)
    document = written(project)
    assert "\nspec: {" not in document
    project.done("validate")


def test_a_folder_is_looked_into(project: ProjectFolder) -> None:
    told = project.done("source", "add", project.folder / "drop", "--name", "more-prices", "--yes", "--label", "a=b")
    document = (project.folder / "include/configs/sources/more-prices.yaml").read_text()
    assert 'pattern: "*.csv"' in document
    assert "convert: {format: csv}" in document
    assert "finport source check more-prices" in told


def test_questions_are_asked_and_have_answers_to_take(project: ProjectFolder) -> None:
    from typer.testing import CliRunner

    from finport_ingestion.cli.entry import app

    answers = "asked\nPrices that are asked for.\n\ndaily\n"
    result = CliRunner().invoke(app, ["source", "add", str(project.folder / "drop")], input=answers)
    assert result.exit_code == 0, result.output
    document = (project.folder / "include/configs/sources/asked.yaml").read_text()
    assert 'description: "Prices that are asked for."' in document
    assert "owner: data-platform" in document
    assert "labels: {workflow: daily}" in document


@pytest.mark.parametrize(
    ("address", "more", "told"),
    [
        ("https://127.0.0.1:1/x", (), "127.0.0.1"),
        ("gopher://a.example", (), "no protocol here for 'gopher:'"),
        ("https://me:secret@a.example/x", (), "the address holds a password"),
        ("drop", ("--name", "prices"), "there is a source 'prices' already (include/configs/sources/prices.yaml:4)"),
        ("drop", ("--name", "No Name"), "a name has 1 to 63"),
        ("no-such-folder", (), "there is no folder"),
        ("sftp://a.example/drop", (), "sftp needs a connection"),
        ("drop", ("--label", "workflow"), "a label is written KEY=VALUE"),
    ],
)
def test_what_cannot_be_added_is_refused_with_a_fix(
    address: str, more: tuple[str, ...], told: str, project: ProjectFolder
) -> None:
    output = project.refused("source", "add", address, "--yes", *more)
    assert told in output
    assert "Fix:" in output
    assert sorted(path.name for path in (project.folder / "include/configs/sources").iterdir()) == ["prices.yaml"]


def test_an_address_of_this_machine_is_not_asked_unless_that_is_said(
    project: ProjectFolder, web_server: WebServer
) -> None:
    web_server.add(PATH, pages)
    output = project.refused("source", "add", web_server.url(PATH), "--ca-file", web_server.ca_path, "--yes")
    assert "allow" in output.lower()
    assert web_server.requests == []


def test_plaintext_is_asked_for_with_a_reason_only(project: ProjectFolder, plain_web_server: WebServer) -> None:
    plain_web_server.add(PATH, pages)
    address = plain_web_server.url(PATH)
    project.refused("source", "add", address, "--yes", "--allow-private-network")
    assert plain_web_server.requests == []
    reason = "an API of a test"
    project.done(
        "source", "add", address, "--name", "rates", "--yes", "--allow-private-network", "--allow-plaintext", reason
    )
    assert 'allowPlaintext: true, allowPlaintextReason: "an API of a test"' in written(project)


def _way(server: WebServer) -> tuple[str | Path, ...]:
    return ("--ca-file", server.ca_path, "--allow-private-network")
