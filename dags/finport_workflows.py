"""Every Workflow document under include/configs becomes an Airflow DAG."""

from finport_ingestion.factory.dags import load_dags

globals().update(load_dags(__file__))
