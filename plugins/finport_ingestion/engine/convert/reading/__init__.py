"""The parsers behind the formats: bytes to exact texts."""
