"""Time and place of the gate: GNSS sentences to positions. Sans-IO."""
