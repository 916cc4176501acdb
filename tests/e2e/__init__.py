"""A whole Airflow, used as people use it."""
