"""Passage + reference -> decision, by the rule book. Pure."""
