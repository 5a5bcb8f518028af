"""The emulated site: devices that speak the real protocols over ptys and HTTP. Never imported by the running agent.

It is written from the makers' frame tables alone and shares no code with the agent's parsers and rule book, so that a
misunderstanding on one side cannot hide itself on the other.
"""
