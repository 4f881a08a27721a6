"""Which voices exist, and where their files are."""
