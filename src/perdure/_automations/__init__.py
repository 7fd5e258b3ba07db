"""What automations say, and what follows from an event or a time: pure, without a database."""
