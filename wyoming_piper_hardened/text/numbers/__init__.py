"""Numbers and what stands around them become words, in one scan of a segment."""
