"""The agents' actions as Airflow operators: read the context, call the engine, report."""
