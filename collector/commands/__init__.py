"""One module a command; `collector.cli` joins them."""
