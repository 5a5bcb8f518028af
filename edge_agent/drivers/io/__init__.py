"""Inputs and outputs: loops, light curtains, barriers, lamps. Pure."""
