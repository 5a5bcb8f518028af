"""One storage port: transactions on SQLite or PostgreSQL, and the tables."""
