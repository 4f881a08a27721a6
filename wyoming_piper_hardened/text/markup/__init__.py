"""SSML, Markdown and thoughts: what a text is written in, read as it arrives."""
