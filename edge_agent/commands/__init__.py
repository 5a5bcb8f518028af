"""One module a command; `edge_agent.cli` joins them."""
