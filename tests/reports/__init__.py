"""What needs Great Expectations itself, whose import takes seconds."""
