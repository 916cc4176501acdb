"""A small project of one source: a folder of CSV files, and what a person does in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from finport_ingestion.cli.entry import app

SOURCE = """\
apiVersion: finport.io/v1
kind: Source
metadata:
  name: prices
  labels: {workflow: daily}
spec:
  description: Closing prices, a file a day.
  owner: market-data
  source:
    protocol: file
    path: ${FINPORT_PROJECT}/drop
    pattern: "*.csv"
  convert: {format: csv}
  dataset: closing-prices
  contract:
    key: [symbol, date]
    columns:
      - {name: symbol, type: identifier, nullable: false, pattern: "[A-Z]{1,5}"}
      - {name: date, type: date, nullable: false}
      - {name: close, type: "decimal(18,4)", nullable: false, minimum: 0}
"""
WORKFLOW = """\
apiVersion: finport.io/v1
kind: Workflow
metadata:
  name: daily
spec:
  description: Takes the prices.
  owner: market-data
  sources: {matchLabels: {workflow: daily}}
  timeout: 1h
  steps:
    - {name: validate, agent: scheduler, action: validate_source_availability, timeout: 1m, retries: 2}
    - {name: connect, agent: connector, action: establish_secure_connection, timeout: 1m, retries: 2}
    - {name: collect, agent: collector, action: collect_data_from_source, timeout: 2m, retries: 2, parallel: 2}
    - {name: convert, agent: converter, action: convert_to_standard_format, timeout: 2m, retries: 2, parallel: 2}
    - {name: quality, agent: base-data-quality, action: validate_data_quality, timeout: 2m, retries: 2}
    - {name: store, agent: base-data-storage, action: store_validated_data, timeout: 2m, retries: 2}
"""
POLICY = """\
apiVersion: finport.io/v1
kind: Policy
metadata:
  name: default
spec:
  description: What holds for every source.
  owner: market-data
  settings:
    quality: {maxErrorShare: 0.5, minScore: 10, minCompleteness: 0.1, report: false}
    retry: {delay: 0s}
    retention: {landing: 30d}
"""
PRICES = """\
symbol,date,close,volume
AAPL,2026-01-02,243.85,1000
MSFT,2026-01-02,418.58,2000
IBM,2026-01-02,-221.03,3000
ORCL,2026-01-02,166.03,500
AMZN,2026-01-02,220.22,700
SAP,2026-01-02,n.a.,900
"""
"""Rows 3 (a negative price) and 6 (no price) are wrong."""


@dataclass(frozen=True)
class ProjectFolder:
    """A project, and the command line in it."""

    folder: Path

    def run(self, *arguments: object) -> Result:
        """Run `finport` with these arguments, in this process."""
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def done(self, *arguments: object) -> str:
        """What a command that ends well prints."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: object) -> Any:
        """What a command prints for programs."""
        return json.loads(self.done(*arguments, "--json"))

    def refused(self, *arguments: object, code: int = 1) -> str:
        """What a command that does not end well says."""
        result = self.run(*arguments)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def write(self, path: str, text: str) -> Path:
        """A file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def change(self, path: str, old: str, new: str) -> None:
        """Edit a document."""
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def deliver(self, name: str, text: str) -> None:
        """A file in the folder that the source reads."""
        self.write(f"drop/{name}", text)

    def write_documents(self) -> None:
        """A source, a workflow, a policy."""
        self.write("include/configs/sources/prices.yaml", SOURCE)
        self.write("include/configs/workflows/daily.yaml", WORKFLOW)
        self.write("include/configs/policies/default.yaml", POLICY)

    def places(self, area: str) -> list[Path]:
        """The files of an area."""
        return sorted(path for path in (self.folder / ".finport/places" / area).rglob("*") if path.is_file())
