"""A folder for each thing that is kept: its port, its statements, its routes."""
