"""What the how-tos tell people to type, typed in a small project that has run once."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyzipper

from tests.cli.converting import FIXED, TRADES, Desk
from tests.cli.project import PRICES, ProjectFolder
from tests.docs.pages import DOCS, blocks, shell_lines

_CONVERT = DOCS / "how-to" / "convert-files.md"
_RUN, _SOURCE, _DATASET = "first", "prices", "closing-prices"
_RIGHT = {3: "221.03", 6: "233.10"}
"""The prices that the wrong rows should have had, by row."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectFolder]:
    """A project whose run `first` has published and quarantined; the current folder."""
    folder = ProjectFolder(tmp_path_factory.mktemp("how-to") / "project")
    folder.write_documents()
    folder.deliver("2026-01-02.csv", PRICES)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AIRFLOW_HOME", "AIRFLOW__FINPORT__PLACES", "AIRFLOW_CONN_FINPORT_STATE"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("COLUMNS", "200")
        patch.chdir(folder.folder)
        folder.done("db", "upgrade")
        folder.done("ingest", _SOURCE, "--run-id", _RUN)
        yield folder


def typed(page: str) -> list[list[str]]:
    """The `finport` lines of a how-to, for the project's run, source and dataset."""
    names = {"RUN": _RUN, "RUN_ID": _RUN, "demo-equities": _SOURCE, "fx-rates": _DATASET, "equity-prices": _DATASET}
    names["base-standard-ingestion-workflow"] = "daily"
    lines = [shlex.split(line, comments=True) for line in shell_lines(DOCS / "how-to" / page)]
    return [[names.get(word, word) for word in line[1:]] for line in lines if line[0] == "finport"]


def test_reading(project: ProjectFolder) -> None:
    for arguments in typed("read-the-data.md"):
        project.done(*arguments)
    names: dict[str, object] = {}
    for block in blocks(DOCS / "how-to" / "read-the-data.md", "python"):
        text = block.text.replace("equity-prices", _DATASET)
        exec(compile(text, block.where, "exec"), names)
    assert (project.folder / "first.parquet").is_file()


def test_quarantine_is_seen_repaired_and_released(project: ProjectFolder) -> None:
    *before, dry_run, release = typed("quarantine.md")
    for arguments in before:
        project.done(*arguments)
    _repair(project.folder / "repair.ndjson")
    rows = len(project.json("read", _DATASET))
    project.done(*dry_run)
    project.done(*release)
    assert len(project.json("read", _DATASET)) == rows + 2
    assert "nothing to do" in project.done(*release)


def test_recovering_and_replaying(project: ProjectFolder) -> None:
    for arguments in typed("recover.md"):
        if "--run-id" in arguments:
            assert "has succeeded" in project.refused(*arguments)  # it is for a run that was killed
        else:
            project.done(*arguments)


def test_upkeep(project: ProjectFolder) -> None:
    for arguments in typed("production.md"):
        if arguments[0] not in ("plan", "doctor"):
            project.done(*arguments)


def test_files_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path)
    desk.put_mixed().rename(tmp_path / "deliveries")
    desk.put("positions.txt", FIXED)
    with pyzipper.AESZipFile(tmp_path / "locked.zip", "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"...")
        archive.writestr("trades.csv", TRADES)
    monkeypatch.chdir(tmp_path)
    name, secret = next(line for line in shell_lines(_CONVERT) if line.startswith("export ")).split("=", 1)
    monkeypatch.setenv(name.removeprefix("export "), secret.strip("'"))
    for arguments in typed("convert-files.md"):
        # One file of the folder is cut, as the page shows.
        code = int(arguments[:2] == ["convert", "deliveries"])
        assert desk.run(*arguments).exit_code == code, arguments
    assert {path.name for path in (tmp_path / "tables").iterdir()} >= {"bank", "positions.txt", "locked.zip"}
    assert [path.name for path in (tmp_path / "by-day/trades.csv/table").iterdir()]
    for block in blocks(_CONVERT, "python"):
        exec(compile(block.text, block.where, "exec"), {})
    assert "line 3, byte 29: 3 fields where 2 are expected US5949181045,2.25,surplus" in capsys.readouterr().out


def test_the_shown_result_is_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    desk.put_mixed().rename(tmp_path / "deliveries")
    monkeypatch.chdir(tmp_path)
    told = desk.told("convert", "deliveries", "--out", "tables", code=1).splitlines()
    shown = blocks(_CONVERT, "text")[0].text.splitlines()
    for line in shown:
        if line and " files in " not in line:
            begin = line.removesuffix(" ...").rstrip()
            assert any(found.startswith(begin) for found in told), line


def _repair(path: Path) -> None:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        record["close"] = _RIGHT[record["_finport_row"]]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
