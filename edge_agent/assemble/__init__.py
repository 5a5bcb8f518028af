"""(reading, now) -> passage. Pure."""
