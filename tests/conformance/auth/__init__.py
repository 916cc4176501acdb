"""Every method of authentication over a real server of its kind."""
