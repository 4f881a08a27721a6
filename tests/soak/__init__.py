"""Ten thousand requests under five hundred kills; see ``script/soak``."""
