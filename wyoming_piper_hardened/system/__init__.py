"""Files, sockets and privileges."""
