"""Client of the voice repository: requests, retries, downloads."""
