"""engine/collect."""
