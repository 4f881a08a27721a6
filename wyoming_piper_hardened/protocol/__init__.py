"""The Wyoming server: connections, events, announcement."""
