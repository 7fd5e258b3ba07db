"""What is committed together, or once."""
