"""The package's version: read by the build, written into result documents."""

VERSION = "0.1.0"
"""The version of Perdure."""
