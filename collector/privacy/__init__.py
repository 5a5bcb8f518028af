"""Personal data at the collector: the keys it is sealed under, their terms, and their destruction."""
