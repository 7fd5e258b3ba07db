"""Blocks and tasks for what flows use most: clouds, databases, the shell, e-mail, Slack, GitHub, dbt.

Each is a module of its own (`from perdure.integrations.shell import shell_run_command`), which imports the library that
it needs when it is first used.
"""

__all__: list[str] = []
