"""Trades as files of every kind, made once and kept below the user's cache folder."""
