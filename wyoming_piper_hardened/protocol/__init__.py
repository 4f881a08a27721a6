"""The Wyoming face of the server."""
