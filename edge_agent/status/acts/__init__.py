"""What officers do at a gate: looked up, signed with their own key, and handed to the agent."""
