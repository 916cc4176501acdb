"""How fast files become Parquet: ours beside the engines that people take for each format."""
