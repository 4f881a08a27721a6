"""What follows from failures: circuit breakers, quarantined texts, what is tried again."""
