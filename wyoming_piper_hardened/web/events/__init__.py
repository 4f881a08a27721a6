"""Server-sent events: the state for the page, and for programs that look after the server."""
