"""Bytes to readings, without I/O: profiles say what a device's frames look like, drivers what they mean."""
