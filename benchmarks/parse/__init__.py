"""How long the scheduler's parsing of a project takes: ours, a hand-written loop, and dag-factory."""
