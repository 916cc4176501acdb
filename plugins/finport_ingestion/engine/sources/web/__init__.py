"""What sources behind HTTP share: addresses, TLS, requests, answers, bodies, pages."""
