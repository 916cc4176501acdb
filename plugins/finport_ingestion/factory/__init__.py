"""Plans drawn as DAGs. Knows no protocol and no format."""
