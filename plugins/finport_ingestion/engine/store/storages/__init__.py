"""One module a storage."""
