"""What the project remembers between runs, in a database of its own."""
