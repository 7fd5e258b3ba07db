"""One workflow, one step."""

from dbos import DBOS, DBOSConfig

config: DBOSConfig = {"name": "hello", "system_database_url": "sqlite:///dbos.db"}
DBOS(config=config)


@DBOS.step()
def say(name: str) -> str:
    return f"hello {name}"


@DBOS.workflow()
def hello() -> str:
    return say("world")


if __name__ == "__main__":
    DBOS.launch()
    print(hello())
    DBOS.destroy()
