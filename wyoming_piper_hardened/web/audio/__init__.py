"""Endpoints that speak, and audio file formats."""
