"""The way to a source: which addresses may be reached, over which TLS, through which proxy."""
