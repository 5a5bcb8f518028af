"""The officer's desk of a gate: what is stopped in each lane, whose holds stand, and what officers did about it."""
