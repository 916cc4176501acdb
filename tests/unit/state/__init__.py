"""The state database and its events, on real files; tests/services runs the same tests on PostgreSQL."""
