"""What runs in the child process: one segment of text in, PCM audio out."""
