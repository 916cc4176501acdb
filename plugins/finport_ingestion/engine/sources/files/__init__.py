"""What sources of files have in common, wherever the files lie: which of them are taken, and when they are finished."""
