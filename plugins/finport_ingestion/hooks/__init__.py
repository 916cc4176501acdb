"""Airflow connections as the engine's, and the connection types with their form fields."""
