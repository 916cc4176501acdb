"""One workflow document compiled to a plan, and the steps that carry it out; no Airflow."""
