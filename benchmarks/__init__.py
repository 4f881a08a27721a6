"""Measures this server against wyoming-piper, side by side; started by ``script/benchmark``."""
