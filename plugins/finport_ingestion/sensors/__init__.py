"""Managers that wait."""
