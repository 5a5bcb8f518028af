"""Radio tags: EPCglobal LLRP messages to tags seen, and the client's side of the conversation. Sans-IO."""
