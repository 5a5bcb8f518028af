"""What `gatectl` says, in 简体中文: a table a room of the agent, sentence by sentence. docs/words.md has the terms."""
