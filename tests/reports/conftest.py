"""Deliveries to check."""

from tests.unit.validate.deliveries import delivery

__all__ = ["delivery"]
