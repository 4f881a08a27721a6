"""Choices made while the server runs: the default voice, and presets."""
