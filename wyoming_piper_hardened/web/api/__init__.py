"""Endpoints about the state of the server and its voices."""
