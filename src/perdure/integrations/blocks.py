"""All integrations with blocks, so that saved ones are found by their type's slug; an entry point names this module."""

from perdure.integrations import aws, azure, dbt, email, gcp, git, github, shell, slack, sqlalchemy

__all__ = ["aws", "azure", "dbt", "email", "gcp", "git", "github", "shell", "slack", "sqlalchemy"]
