"""What is proposed of a source, from evidence alone."""
