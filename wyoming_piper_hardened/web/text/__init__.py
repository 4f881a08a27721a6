"""Text as it will be spoken, and the words of one's own, over HTTP."""
