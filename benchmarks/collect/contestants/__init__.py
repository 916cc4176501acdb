"""Programs that fetch one file: each is timed in a process of its own."""
