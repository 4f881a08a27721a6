"""Synthesis: text to phonemes to audio, with a loaded voice."""
