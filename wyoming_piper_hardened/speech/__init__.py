"""A request: which voice, which segments, and their audio."""
