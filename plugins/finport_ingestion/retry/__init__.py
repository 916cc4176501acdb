"""The engine's decisions about retries, as Airflow's."""
