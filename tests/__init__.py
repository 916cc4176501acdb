"""Tests of the project. `tests.services` holds the real servers that they use."""
