"""What logins in a browser are made of, without one: cookies, forms, SAML requests and verified assertions."""
