"""What holds for every incremental source: whatever comes in whatever order, nothing is lost and nothing is doubled."""
