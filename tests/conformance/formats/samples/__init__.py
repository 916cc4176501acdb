"""One module a format (or family): `SAMPLES` by the format's name. A format without samples fails the suite."""
