"""Who gets the next chunk: requests that wait, and the worker that computes for them."""
