"""Bodies of requests and answers, each declared once as a dataclass."""
