"""Image -> faces, plates, container numbers; each model behind a small port. Heavy libraries load when first used."""
