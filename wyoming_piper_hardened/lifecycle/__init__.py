"""The beginning and the end of a server: what the service manager hears, the graceful stop."""
