"""The database: tables, statements, migrations, and the one writer."""
