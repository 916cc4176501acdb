"""`finport source check`, `discover`, `sample` and `list`: what they say of sources, paused ones too."""

from __future__ import annotations

from tests.cli.project import SOURCE, ProjectFolder

_SECOND = SOURCE.replace("name: prices", "name: broken").replace("/drop", "/nowhere")
_STATED = """\
  enabled: false
  documentation: {address: {url: https://a.example/docs, readOn: 2026-11-26, says: It is here., verification: stand-in}}
  rights: {entitlement: restricted, redistribution: forbidden}
  overrides: {security: {minTls: "1.2", minTlsReason: an old server}}
"""


def test_a_check_is_one_sentence(project: ProjectFolder) -> None:
    told = project.done("source", "check", "prices").strip()
    assert told.startswith("prices: ")
    assert "\n" not in told


def test_a_check_of_all_reports_each_and_fails_if_one_does(project: ProjectFolder) -> None:
    project.write("include/configs/sources/broken.yaml", _SECOND)
    result = project.run("source", "check", "--all")
    assert result.exit_code == 1
    rows = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[1:]}
    assert rows == {"broken": "fail", "prices": "ok"}


def test_a_source_that_cannot_be_reached_is_told_with_its_fix(project: ProjectFolder) -> None:
    project.write("include/configs/sources/broken.yaml", _SECOND)
    output = project.refused("source", "check", "broken")
    assert "Error: broken: " in output
    assert "Fix: " in output


def test_a_wrong_document_is_told_with_file_and_line(project: ProjectFolder) -> None:
    project.change("include/configs/sources/prices.yaml", "convert: {format: csv}", "convert: {format: cvs}")
    for command in (("check",), ("discover",), ("sample",)):
        assert "include/configs/sources/prices.yaml:" in project.refused("source", *command, "prices")


def test_one_source_or_all_of_them(project: ProjectFolder) -> None:
    assert "name a source, or add --all" in project.refused("source", "check", code=2)
    assert "name a source, or add --all" in project.refused("source", "check", "prices", "--all", code=2)


def test_items_are_listed_with_what_is_stated_of_them(project: ProjectFolder) -> None:
    project.deliver("2026-01-05.csv", "symbol,date,close\nIBM,2026-01-05,1\n")
    items = project.json("source", "discover", "prices")
    assert [item["id"] for item in items] == ["2026-01-02.csv", "2026-01-05.csv"]
    assert all(item["size_bytes"] > 0 for item in items)
    assert len(project.json("source", "discover", "prices", "--limit", "1")) == 1
    assert "2026-01-05.csv" in project.done("source", "discover", "prices")


def test_a_sample_is_read_and_typed_as_a_run_would_do_it(project: ProjectFolder) -> None:
    told = project.json("source", "sample", "prices", "--limit", "2")
    assert told["columns"][:3] == [
        {"name": "symbol", "type": "identifier"},
        {"name": "date", "type": "date"},
        {"name": "close", "type": "decimal(18,4)"},
    ]
    assert told["rows"][0] == {"symbol": "AAPL", "date": "2026-01-02", "close": "243.8500", "volume": 1000}
    assert (len(told["rows"]), told["row_count"], told["quarantined"]) == (2, 6, 1)
    result = project.run("source", "sample", "prices", "-n", "1")
    assert "SYMBOL (IDENTIFIER)" in result.stdout
    assert "1 of 6 record(s) of 2026-01-02.csv, 1 quarantined" in result.stderr


def test_looks_keep_nothing_and_need_no_state(project: ProjectFolder) -> None:
    for command in (("check", "prices"), ("discover", "prices"), ("sample", "prices")):
        project.done("source", *command)
    assert not (project.folder / ".finport").exists()


def test_a_paused_source_is_looked_at_all_the_same(project: ProjectFolder) -> None:
    project.change("include/configs/sources/prices.yaml", "  dataset:", f"{_STATED}  dataset:")
    project.done("source", "check", "prices")
    assert project.json("source", "sample", "prices")["row_count"] == 6


def test_the_list_says_what_documents_state(ready: ProjectFolder) -> None:
    project = ready
    project.change("include/configs/sources/prices.yaml", "  dataset:", f"{_STATED}  dataset:")
    project.change("include/configs/sources/prices.yaml", "{workflow: daily}", "{workflow: daily, group: market-data}")
    project.write("include/configs/sources/broken.yaml", _SECOND)
    (row,) = project.json("source", "list", "--group", "market-data")
    assert row["health"] == "off"
    assert (row["verification"], row["entitlement"], row["redistribution"]) == ("stand-in", "restricted", "forbidden")
    assert row["protection"] == "TLS 1.2"
    rows = {each["source"]: each for each in project.json("source", "list")}
    assert (rows["broken"]["group"], rows["broken"]["protection"]) == (None, "full")


def test_rights_travel_with_the_data(ready: ProjectFolder) -> None:
    ready.change(
        "include/configs/sources/prices.yaml", "  dataset:", f"{_STATED}  dataset:".replace("  enabled: false\n", "")
    )
    ready.done("ingest", "prices")
    manifests = [path for path in ready.places("landing") if path.name == "manifest.json"]
    assert manifests
    for path in manifests:
        text = path.read_text()
        assert '"entitlement": "restricted"' in text
        assert '"redistribution": "forbidden"' in text
