"""The service on a booted Debian; see ``script/test-systemd``."""
