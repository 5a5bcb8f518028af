"""The sealed journal in SQLite: append, seal, receipts, prune, recover."""
