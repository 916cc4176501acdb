"""A live connection that gives messages: where it is, how it is opened, and what comes in a window of time."""
