"""The conversion of landed parts."""
