"""What users pass, as clean arrays: one concept per file, and what to do instead where it cannot be used."""
