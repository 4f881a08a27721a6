"""Events and issues as data, and their English sentences."""
