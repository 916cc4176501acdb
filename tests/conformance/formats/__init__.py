"""Every registered format, by one suite."""
