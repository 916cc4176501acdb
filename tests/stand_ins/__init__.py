"""Local servers that answer as the shipped sources' providers do by their public documentation."""
