"""A dataset as a table of PostgreSQL, with its commit log, its items and its replaced rows in tables beside it."""
