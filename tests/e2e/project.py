"""A project of its own for the end-to-end tests: documents, files, and copies of the two DAG files."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]

PRICES = [("AAA", f"2026-01-{day:02d}", f"{100 + day}.25") for day in range(1, 31)]
QUOTES = [(f"Q{number:03d}", "2026-01-02", f"{number}.5") for number in range(400)]

MIXED = "e2e_mixed"
"""A source that can be read, one whose folder is missing, and one whose connection nobody has made."""
AFTER_PRICES = "e2e_after_prices"
"""Runs when the asset of the good source was updated."""
SLOW = "e2e_slow"
"""One source behind a slow web server."""
EVERY_MINUTE = "e2e_every_minute"
SMALL = "e2e_small"
"""One step."""
GUARDED = "e2e_guarded"
"""A source behind a login, and one whose key is refused by a server that repeats what it was sent."""
DAG_IDS = {MIXED, AFTER_PRICES, SLOW, EVERY_MINUTE, SMALL, GUARDED}
HEALTH = "finport_health"
"""The factory's own: asks the sources."""

BROKEN = "include/configs/sources/broken.yaml"

_POLICY = """
apiVersion: finport.io/v1
kind: Policy
metadata: {name: default}
spec:
  description: For tests.
  owner: tests
  settings:
    quality: {report: false}
    retry: {strategy: fixed, delay: 1s}
    security: {allowPrivateNetwork: true}
"""

_AUTHENTICATION = """
apiVersion: finport.io/v1
kind: Authentication
metadata: {name: e2e-login}
spec:
  description: For tests.
  owner: tests
  auth: {method: basic}
---
apiVersion: finport.io/v1
kind: Authentication
metadata: {name: e2e-key}
spec:
  description: For tests.
  owner: tests
  auth: {method: api_key, parameter: apikey}
"""

_SOURCE = """
---
apiVersion: finport.io/v1
kind: Source
metadata: {{name: {name}}}
spec:
  description: For tests.
  owner: tests
  source: {source}
  convert: {{format: csv}}
  contract:
    key: [symbol, date]
    columns:
      - {{name: symbol, type: identifier, nullable: false}}
      - {{name: date, type: date, nullable: false}}
      - {{name: price, type: "decimal(18,4)", nullable: false, minimum: 0}}
"""

_WORKFLOW = """
---
apiVersion: finport.io/v1
kind: Workflow
metadata: {{name: {name}}}
spec:
  description: For tests.
  owner: tests
  schedule: {schedule}
  sources: {{names: [{sources}]}}
  timeout: 30m
  steps:
"""

_FIRST_STEP = (
    "    - {name: validate, agent: scheduler, action: validate_source_availability, timeout: 2m, retries: 2}\n"
)
_OTHER_STEPS = """\
    - {name: connect, agent: connector, action: establish_secure_connection, timeout: 2m, retries: 2}
    - {name: collect, agent: collector, action: collect_data_from_source, timeout: 2m, retries: 2, parallel: 2}
    - {name: convert, agent: converter, action: convert_to_standard_format, timeout: 2m, retries: 2, parallel: 2}
    - {name: quality, agent: base-data-quality, action: validate_data_quality, timeout: 3m, retries: 2}
    - {name: store, agent: base-data-storage, action: store_validated_data, timeout: 2m, retries: 2}
"""

_BROKEN = """\
apiVersion: finport.io/v1
kind: Source
metadata: {name: misspelt}
spec:
  description: Its author could not spell.
  owner: tests
  source:
    protocol: file
    path: /srv/vendor
    patern: "*.csv"
---
apiVersion: finport.io/v1
kind: Workflow
metadata: {name: e2e-broken}
spec:
  description: Uses a wrong document.
  owner: tests
  sources: {names: [misspelt]}
  steps:
"""


def write_project(folder: Path) -> Path:
    """Write everything that is right; the project's folder."""
    configs = folder / "include" / "configs"
    for name in ("authentication", "formats", "policies", "sources", "workflows"):
        (configs / name).mkdir(parents=True)
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    _write_csv(folder / "inbox" / "prices" / "prices.csv", PRICES)
    (configs / "policies" / "default.yaml").write_text(_POLICY)
    (configs / "authentication" / "authentication.yaml").write_text(_AUTHENTICATION)
    (configs / "sources" / "sources.yaml").write_text(_sources())
    (configs / "workflows" / "workflows.yaml").write_text(_workflows())
    return folder


def write_broken_document(folder: Path) -> Path:
    """Add a document with a mistake, and a workflow that uses it; the file."""
    file = folder / BROKEN
    file.write_text(_BROKEN + _FIRST_STEP)
    return file


def csv_text(rows: list[tuple[str, str, str]]) -> str:
    """The rows below a header."""
    return "\n".join(["symbol,date,price", *(",".join(row) for row in rows)]) + "\n"


def _write_csv(file: Path, rows: list[tuple[str, str, str]]) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(csv_text(rows))


def _sources() -> str:
    readable = '{protocol: file, path: "${FINPORT_PROJECT}/inbox/prices", pattern: "*.csv"}'
    missing = '{protocol: file, path: "${FINPORT_PROJECT}/inbox/missing"}'
    slow = "{protocol: http, connection: e2e_quotes, path: /quotes.csv}"
    unknown = "{protocol: file, connection: e2e_absent}"
    found = {"prices": readable, "lost": missing, "unknown": unknown, "quotes": slow}
    found |= {
        "guarded": "{protocol: http, connection: e2e_guarded, path: /guarded.csv}\n  authentication: e2e-login",
        "refused": "{protocol: http, connection: e2e_refused, path: /refused.csv}\n  authentication: e2e-key",
    }
    # One source a workflow, since a source is worked on by one run at a time.
    found |= {f"watched-{number}": readable for number in range(3)}
    return "".join(_SOURCE.format(name=name, source=source) for name, source in found.items())


def _workflows() -> str:
    documents = [
        ("e2e-mixed", "{}", "prices, lost, unknown", _FIRST_STEP + _OTHER_STEPS),
        ("e2e-slow", "{}", "quotes", _FIRST_STEP + _OTHER_STEPS),
        ("e2e-guarded", "{}", "guarded, refused", _FIRST_STEP + _OTHER_STEPS),
        ("e2e-small", "{}", "watched-0", _FIRST_STEP),
        ("e2e-every-minute", '{cron: "* * * * *"}', "watched-1", _FIRST_STEP),
        ("e2e-after-prices", "{anyAssets: [prices]}", "watched-2", _FIRST_STEP),
    ]
    return "".join(
        _WORKFLOW.format(name=name, schedule=schedule, sources=sources) + steps
        for name, schedule, sources, steps in documents
    )
