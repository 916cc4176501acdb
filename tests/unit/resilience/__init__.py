"""engine/resilience."""
