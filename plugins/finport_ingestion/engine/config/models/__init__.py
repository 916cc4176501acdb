"""The models of the five document kinds and of the settings that are layered."""
