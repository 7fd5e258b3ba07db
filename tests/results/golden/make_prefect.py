"""Writes the documents in `prefect_2_20`, with the classes of Prefect 2.20 itself: `python make_prefect.py`.

They are written once, in an environment that has Prefect, and read for ever.
"""

from pathlib import Path

from prefect.results import PersistedResultBlob
from prefect.serializers import Serializer

HERE = Path(__file__).parent / "prefect_2_20"
VALUE = {"city": "Oslo", "days": [1, 2.5, None, True], "text": "naïve ☃"}

if __name__ == "__main__":
    for type in ("json", "pickle", "compressed/json", "compressed/pickle"):
        serializer = Serializer(type=type)
        blob = PersistedResultBlob(serializer=serializer, data=serializer.dumps(VALUE))
        (HERE / type.replace("/", "-")).write_bytes(blob.to_bytes())
