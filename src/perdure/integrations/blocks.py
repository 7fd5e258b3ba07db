"""All integrations with blocks, so that saved ones are found by their type's slug; an entry point names this module."""

from perdure.integrations import aws, git, github, shell, sqlalchemy

__all__ = ["aws", "git", "github", "shell", "sqlalchemy"]
