"""The ground floor: everything FinPort does with documents and data. Nothing here imports Airflow."""
