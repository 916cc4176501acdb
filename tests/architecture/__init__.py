"""The rules that the tree keeps."""
