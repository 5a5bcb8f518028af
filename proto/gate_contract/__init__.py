"""What both programs must agree on to the byte: messages, sealing and proofs, and the rule book."""
