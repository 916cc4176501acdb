"""Sources without a server: folders, addresses, pages, ranges, limits."""
