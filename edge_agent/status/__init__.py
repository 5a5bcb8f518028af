"""Snapshot of the running agent, and the field CLI over it (read-only)."""
