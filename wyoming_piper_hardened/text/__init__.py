"""Text becomes segments: the unit of everything that follows."""
