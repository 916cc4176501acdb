"""Speeds compared with other ways to do the same, in pairs within one run."""
