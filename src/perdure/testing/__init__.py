"""Public helpers for tests of code that uses or extends Perdure."""

__all__: list[str] = []
