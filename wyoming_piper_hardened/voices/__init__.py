"""Voices: the library, installation, jobs, maintenance."""
