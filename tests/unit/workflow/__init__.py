"""engine/workflow."""
