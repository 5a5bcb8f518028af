"""Reference slices for each site: what its gates need to decide by themselves."""
