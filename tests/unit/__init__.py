"""The engine without Airflow and without servers."""
