"""The page and the API: health, metrics, voices, speech over HTTP."""
