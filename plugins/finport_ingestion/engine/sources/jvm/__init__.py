"""What the JDBC source is made of: a process with a Java machine, the driver in it, and the way of rows out of it."""
