"""The steps that belong to no stage."""
