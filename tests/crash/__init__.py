"""Processes killed at every kind of moment: nothing is lost, nothing is doubled."""
