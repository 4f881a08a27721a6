"""Preparation of a voice: its graph is split into parts, which are verified."""
