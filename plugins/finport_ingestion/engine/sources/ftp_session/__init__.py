"""FTP as far as sources need it: checked addresses, checked TLS on both connections, and errors by reply code."""
