"""Managers that arrange tasks."""
