"""Readings, passages, incidents: frozen, typed, units in names. Pure: no I/O, no clock."""
