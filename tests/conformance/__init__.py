"""One suite for every plug-in of a kind."""
