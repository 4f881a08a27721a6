"""The configuration of a voice: its bytes, read in one place, and what they mean."""
