"""What happened and what is wrong as data, and the English sentences for both."""
