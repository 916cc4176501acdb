"""Messages of streams as rows: what they carry, and what of it a document declares as columns."""
