"""SSH as far as sources need it: whom to believe, how to log in, and files read fast. Needs asyncssh."""
