"""Cached declarations with their age."""
