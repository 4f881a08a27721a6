"""The program of the child process: one segment of text in, PCM audio out."""
