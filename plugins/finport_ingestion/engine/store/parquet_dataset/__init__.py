"""A Parquet dataset as files: immutable data, and one JSON file a snapshot that says which of them are visible."""
