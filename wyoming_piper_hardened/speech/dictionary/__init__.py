"""The user's dictionary: read from files, kept up to date, and changed from the page."""
