"""Makes the tables of Prefect 2 in the PostgreSQL database of the settings: `python prefect_tables.py`.

Its own migrations need an extension that a server made for tests does not have; what they add besides are indices.
"""

import asyncio

from prefect.server.database.dependencies import provide_database_interface


async def make_tables() -> None:
    database = provide_database_interface()
    tables = database.Base.metadata
    seen: set[str] = set()
    for table in tables.tables.values():
        for index in list(table.indexes):
            if index.name.startswith("trgm") or index.name in seen:
                table.indexes.remove(index)
            seen.add(index.name)
    engine = await database.engine()
    async with engine.begin() as connection:
        await connection.run_sync(tables.create_all)


asyncio.run(make_tables())
