"""Makes the default models from pinned packages that are installed: no network, the same bytes every time."""
