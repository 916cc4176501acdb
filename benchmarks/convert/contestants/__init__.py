"""One module a contestant, run in a process of its own.

`python -m <module> KIND WARM_UP INPUT OUT` converts both and prints one line of JSON about the second.
"""
