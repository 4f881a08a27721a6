"""Voices that are not installed: what is offered, and how one is obtained when it is asked for."""
