"""What a person chooses while the server runs: the default voice, and presets."""
