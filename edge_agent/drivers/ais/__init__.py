"""Ships: AIS sentences to messages and vessels. Sans-IO."""
