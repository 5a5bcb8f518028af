"""Cases: findings that need a person, from their opening to their outcome, and what the outcome does to credit."""
