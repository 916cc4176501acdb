"""One module a contestant, run in a process of its own: `python -m <module> WARM_UP INPUT` prints one line of JSON."""
