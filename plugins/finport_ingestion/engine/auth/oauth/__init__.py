"""What the methods of OAuth 2.0 share: the client that proves itself, the token server, what it answers."""
