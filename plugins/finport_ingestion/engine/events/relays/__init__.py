"""One module a way out for events."""
