"""Getting rows and records out of damaged SQLite files, from their bytes alone. Pure."""
