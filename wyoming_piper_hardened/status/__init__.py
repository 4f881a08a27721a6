"""A snapshot of the running server."""
