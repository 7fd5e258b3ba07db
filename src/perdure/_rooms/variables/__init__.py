"""Variables: values that flows share by name."""
