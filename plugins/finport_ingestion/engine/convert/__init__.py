"""Raw bytes to exact Arrow, and Arrow to Parquet parts."""
