"""What `gatectl` shows, as lines of text."""
