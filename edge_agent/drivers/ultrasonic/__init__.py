"""Distance sensors that tell whether a place is empty. Pure."""
