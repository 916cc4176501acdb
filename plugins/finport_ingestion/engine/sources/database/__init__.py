"""What the SQL source is made of: databases, columns, ranges, reading."""
