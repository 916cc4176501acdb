"""Real servers for tests: what they are, how they are found, installed, started and stopped.

A server is one module here and one line in `registry.py`. Tests ask for its fixture and nothing else::

    def test_rows_are_upserted(postgresql_database: str) -> None: ...

`python -m tests.services list` shows what this machine has, `python -m tests.services install` gets what is missing.
"""
