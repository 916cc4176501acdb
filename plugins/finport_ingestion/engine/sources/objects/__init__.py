"""What the object stores have in common: a bucket is listed page by page, its objects come whole or in ranges."""
