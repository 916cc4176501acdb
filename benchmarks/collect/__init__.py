"""How fast sources are read: the engine beside the fastest bare clients of the same protocol."""
