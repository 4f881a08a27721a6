"""Requests: voice, segments and audio in order."""
