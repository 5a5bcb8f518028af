"""Document readers: machine-readable zones of passports, identity cards and visas."""
