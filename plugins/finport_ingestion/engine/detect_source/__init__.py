"""What a source is, found out from how it answers: evidence, and proposals with confidence and reasons."""
