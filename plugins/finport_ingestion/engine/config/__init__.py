"""YAML documents to frozen models; every mistake as `path:line:column: key: what is wrong`, with the fix."""
