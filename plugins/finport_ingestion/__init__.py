"""FinPort Ingestion: financial data ingestion for Apache Airflow, described in YAML."""

__version__ = "0.1.0"
