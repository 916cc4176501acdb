"""What converted tables are written as."""
