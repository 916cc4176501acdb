"""One module a protocol: list the items of a source and open one."""
