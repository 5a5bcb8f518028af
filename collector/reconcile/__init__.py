"""Drives the rule book over what arrived; explains verdicts."""
