"""Atomic and repeatable publishing of checked parts, and reading them back."""
