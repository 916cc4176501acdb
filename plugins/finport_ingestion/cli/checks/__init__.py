"""What `finport doctor` looks at."""
