"""MongoDB: a checked way to one server of it, its values, and what they are compared with."""
