"""Committed versions of voices on the disk."""
