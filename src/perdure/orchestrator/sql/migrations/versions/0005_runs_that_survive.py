"""What steers runs from outside, and what several steps keep together."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Tables and columns, each beside what it is for."""
