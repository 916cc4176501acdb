"""Ways to authenticate, against the tests' own web server."""
