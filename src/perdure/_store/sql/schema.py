"""The text that a new SQLite file is made with, written from the tables so that using it needs no SQLAlchemy."""

from pathlib import Path

HEAD = "0012"  # the newest migration
SCHEMA_FILE = Path(__file__).parent / "schema.sql"


def schema_statements() -> list[str]:
    """The statements that make an empty SQLite file one at the newest migration."""
    return [
        statement.strip() for statement in SCHEMA_FILE.read_text(encoding="utf-8").split(";\n") if statement.strip()
    ]


def render_schema() -> str:
    """The text of `schema.sql` as the tables have it now."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    from perdure._store.sql.tables import metadata

    dialect = sqlite.dialect()
    statements = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indices = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indices]
    # One statement a line, without the layout that SQLAlchemy gives it.
    return "".join(" ".join(statement.split()) + ";\n" for statement in statements)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(render_schema(), encoding="utf-8")
