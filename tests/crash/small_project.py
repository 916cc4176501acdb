"""A project of one file source that is small enough to be run a hundred times."""

from __future__ import annotations

from pathlib import Path

WORKFLOW = "prices-workflow"
SOURCE = "prices"

_DOCUMENTS = """\
apiVersion: finport.io/v1
kind: Workflow
metadata: {{name: prices-workflow}}
spec:
  description: Prices, for tests.
  owner: tests
  sources: {{names: [prices]}}
  timeout: 1h
  steps:
    - {{name: validate, agent: scheduler, action: validate_source_availability, timeout: 1m, retries: 2}}
    - {{name: connect, agent: connector, action: establish_secure_connection, timeout: 1m, retries: 2}}
    - {{name: collect, agent: collector, action: collect_data_from_source, timeout: 1m, retries: 2, parallel: 1}}
    - {{name: convert, agent: converter, action: convert_to_standard_format, timeout: 1m, retries: 2, parallel: 1}}
    - {{name: quality, agent: base-data-quality, action: validate_data_quality, timeout: 1m, retries: 2}}
    - {{name: store, agent: base-data-storage, action: store_validated_data, timeout: 1m, retries: 2}}
"""

_SOURCE = """\
apiVersion: finport.io/v1
kind: Source
metadata: {{name: prices}}
spec:
  description: Prices, for tests.
  owner: tests
  source: {source}
  convert: {convert}
  contract:
    key: [isin, date]
    columns:
      - {{name: isin, type: identifier, nullable: false}}
      - {{name: date, type: date, nullable: false}}
      - {{name: price, type: "decimal(18,4)", nullable: false, minimum: 0}}
  overrides:
    quality: {{report: false, maxErrorShare: 0.5, minCompleteness: 0.5, minScore: 0}}
    retry: {{delay: 0s}}
    security: {{allowPrivateNetwork: true}}
    store: {store}
"""

FILES = {
    "first.csv": [("XS0000000001", f"2026-01-{day:02d}", f"{100 + day}.25") for day in range(1, 21)],
    "second.csv": [("XS0000000002", f"2026-01-{day:02d}", f"{200 + day}.5") for day in range(1, 21)],
}
BAD_LINE = "XS0000000003,2026-01-01,-1.00"
"""Breaks the contract's minimum: one record for the quarantine."""


def rows() -> list[tuple[str, str, str]]:
    """What must be stored, once each, as text."""
    return sorted((isin, day, f"{float(price):.4f}") for lines in FILES.values() for isin, day, price in lines)


def write_project(
    folder: Path, *, store: str = "{storage: parquet}", source: str = "", convert: str = "{format: csv}"
) -> Path:
    """Write documents and files; the project's folder.

    Args:
        source: The `source` block, in one line; the folder of CSV files by default.
    """
    configs = folder / "include" / "configs"
    drop = folder / "drop"
    for name in ("sources", "workflows", "authentication", "formats", "policies"):
        (configs / name).mkdir(parents=True)
    drop.mkdir()
    (configs / "workflows" / "prices.yaml").write_text(_DOCUMENTS.format())
    (configs / "sources" / "prices.yaml").write_text(
        _SOURCE.format(
            source=source or f'{{protocol: file, path: "{drop}", pattern: "*.csv"}}', store=store, convert=convert
        )
    )
    for name, lines in FILES.items():
        text = "\n".join(",".join(line) for line in lines)
        extra = f"\n{BAD_LINE}" if name == "second.csv" else ""
        (drop / name).write_text(f"isin,date,price\n{text}{extra}\n")
    return folder
