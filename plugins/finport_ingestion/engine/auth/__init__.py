"""Ways to authenticate: credentials that renew themselves."""
