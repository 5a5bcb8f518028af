"""Barriers, lamps and displays: what a release or a stop does to them, and what was seen of it."""
