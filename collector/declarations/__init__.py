"""Intake of declaration files: rows to declaration versions."""
