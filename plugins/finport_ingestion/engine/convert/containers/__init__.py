"""Compression, archives and encryption around data: one module each, and one line in registry.py."""
