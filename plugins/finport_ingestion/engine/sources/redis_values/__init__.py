"""Redis: a checked way to a server, its streams, and keys by pattern."""
