"""What kind of failure it is, and whether another try can help."""
