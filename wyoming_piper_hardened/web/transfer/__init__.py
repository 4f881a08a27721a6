"""Endpoints by which the files of voices come and go."""
