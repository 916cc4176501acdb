"""Discover, fetch, check and land raw bytes; the manifest is written last."""
