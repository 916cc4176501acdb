"""File systems of others, by their own clients: what may be used of them, what they state, how they fail."""
