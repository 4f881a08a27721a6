"""A page left open for long."""
