"""Draws: the secret seed of each day, what was drawn with it, and the check that anybody can make afterwards."""
