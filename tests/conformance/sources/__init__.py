"""The suite that every source protocol passes, and an adapter for each of them."""
