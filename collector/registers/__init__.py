"""Registers: versioned reference data, besides declarations, that decisions rest on."""
