"""Radiation portals: lines to occupancies, faults and tampering. Sans-IO."""
