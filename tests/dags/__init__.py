"""The DAGs of the shipped documents."""
