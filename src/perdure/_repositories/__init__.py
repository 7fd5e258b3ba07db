"""Code from repositories and storages: fetched by the system's git, copied into Perdure's home, and run from there."""
