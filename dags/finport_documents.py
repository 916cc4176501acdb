"""Holds no DAG: shows every mistake of the FinPort documents as one Airflow import error."""

from finport_ingestion.factory.dags import raise_mistakes

raise_mistakes(__file__)
