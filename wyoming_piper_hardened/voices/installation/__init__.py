"""Installation of voices: sources, the transaction, its progress."""
