"""What each stage costs: `make bench`."""
