"""Rewriting parts of the graph into fewer, larger operations."""
