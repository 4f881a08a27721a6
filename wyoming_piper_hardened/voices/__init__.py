"""The installed voices: sources, installation, repair, maintenance."""
