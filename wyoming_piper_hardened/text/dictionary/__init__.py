"""The pronunciations that a user wants."""
