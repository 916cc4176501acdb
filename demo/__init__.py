"""The demo: real market data behind three real systems, and the run that ingests it."""
