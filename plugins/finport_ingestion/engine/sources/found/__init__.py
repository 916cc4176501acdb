"""Records whose fields nobody declared: one type for each field, out of all values of a slice."""
