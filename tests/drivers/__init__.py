"""Airflow and the command line drive the same steps."""
