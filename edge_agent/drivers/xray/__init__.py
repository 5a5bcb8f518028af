"""Scanners that tell each scan in a line of text, described in a profile; DICOS files. Sans-IO."""
