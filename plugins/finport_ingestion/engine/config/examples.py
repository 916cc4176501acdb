"""A document of each kind, as small as it is useful: the examples of schemas, editors and docs."""

from __future__ import annotations

EXAMPLES = {
    "Source": """\
apiVersion: finport.io/v1
kind: Source
metadata:
  name: vendor-prices
  labels: {workflow: standard}
spec:
  description: End-of-day prices of a vendor, one CSV file a day.
  owner: market-data
  source: {protocol: file, connection: vendor_drop, pattern: "*.csv"}
  format: vendor-csv
  policy: default
  contract:
    key: [cusip, date]
    columns:
      - {name: cusip, type: identifier, nullable: false}
      - {name: date, type: date, nullable: false}
      - {name: close, type: "decimal(18,4)", minimum: 0}
""",
    "Authentication": """\
apiVersion: finport.io/v1
kind: Authentication
metadata:
  name: vendor-oauth2
spec:
  description: Client credentials of a vendor; id and secret are the connection's login and password.
  owner: market-data
  auth: {method: oauth2_client_credentials, tokenUrl: /oauth/token, scopes: [prices]}
""",
    "Format": """\
apiVersion: finport.io/v1
kind: Format
metadata:
  name: vendor-csv
spec:
  description: Semicolons between fields and decimal commas.
  owner: market-data
  convert: {format: csv, delimiter: ";", decimalComma: true}
""",
    "Policy": """\
apiVersion: finport.io/v1
kind: Policy
metadata:
  name: default
spec:
  description: What holds for every source that does not say otherwise.
  owner: data-platform
  settings:
    quality: {minScore: 80}
    limits: {rate: 100/minute, globalRate: 1000/minute}
""",
    "Workflow": """\
apiVersion: finport.io/v1
kind: Workflow
metadata:
  name: vendor-ingestion
spec:
  description: Collects the vendor's sources every six hours, and checks and stores them.
  owner: market-data
  schedule: {cron: "0 */6 * * *", timeZone: UTC}
  sources: {matchLabels: {workflow: standard}}
  timeout: 2h
  steps:
    - {name: collect, agent: collector, action: collect_data_from_source, timeout: 30m, parallel: 4}
    - {name: convert, agent: converter, action: convert_to_standard_format, timeout: 15m, parallel: 4}
    - {name: quality, agent: base-data-quality, action: validate_data_quality, timeout: 10m}
    - {name: store, agent: base-data-storage, action: store_validated_data, timeout: 20m}
""",
}
"""By kind."""
