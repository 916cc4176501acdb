"""Every Workflow document under include/configs becomes an Airflow DAG; one more asks the sources if they answer."""

from finport_ingestion.factory.dags import load_dags
from finport_ingestion.factory.health import load_health

# In one file, since both need the documents: read once, the second DAG costs next to nothing.
globals().update(load_health(__file__))
globals().update(load_dags(__file__))
