"""A supervised Piper text-to-speech server for Wyoming clients."""

__version__ = "0.1.0"
