"""Sessions of the model's parts: how they are loaded, and the memory that they may take."""
