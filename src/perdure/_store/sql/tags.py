"""The tags of runs, which have a table of their own: one row for each tag of each run, so that an index finds them."""

import json

NO_TAGS = "[]"


def rendered(tag: str) -> str:
    """A tag as its table has it: in characters that every database can hold."""
    return json.dumps(tag)[1:-1]


def rendered_all(tags: str) -> list[str]:
    """The tags of a run's record, each once.

    Raises:
        ValueError: they are no JSON list of text.
    """
    parsed = json.loads(tags)
    if not isinstance(parsed, list) or not all(isinstance(tag, str) for tag in parsed):
        raise ValueError(f"The tags of a run are {tags!r}; they must be a JSON list of text.")
    return [rendered(tag) for tag in dict.fromkeys(parsed)]
