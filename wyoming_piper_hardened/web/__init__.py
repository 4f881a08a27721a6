"""The page and the API: health, figures, voices, speech over HTTP."""
