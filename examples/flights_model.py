"""A forecast of departure delays: least squares on what is known before the flight."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

CATEGORIES = ["carrier", "origin", "hour", "weekday", "month"]
WEATHER = ["temp", "wind_speed", "precip", "visib"]


class Model(NamedTuple):
    """A delay in minutes is the mean, plus a weight for each feature of the flight."""

    weights: pd.Series
    mean: float


def held_out(flights: pd.DataFrame) -> pd.Series:
    """Every fifth day, whole: flights of one day are late together, so a day must not be on both sides."""
    return flights.day % 5 == 0


def fitted(flights: pd.DataFrame) -> Model:
    """The weights that suit the flights best; a light penalty keeps rare features small."""
    features, mean = _features(flights), float(flights.dep_delay.mean())
    matrix, target = features.to_numpy("float64"), flights.dep_delay.to_numpy("float64") - mean
    weights = np.linalg.solve(matrix.T @ matrix + np.eye(matrix.shape[1]), matrix.T @ target)
    return Model(pd.Series(weights, features.columns), mean)


def forecasts(model: Model, flights: pd.DataFrame) -> pd.Series:
    """The expected delay of each flight, in minutes."""
    return _features(flights).reindex(columns=model.weights.index, fill_value=0) @ model.weights + model.mean


def scored(model: Model, flights: pd.DataFrame, late: float) -> dict[str, Any]:
    """How the forecasts fare on flights that the model has not seen, in minutes and shares."""
    expected = forecasts(model, flights)
    riskiest = expected >= expected.quantile(0.9)
    is_late = flights.dep_delay >= late
    by_hour = pd.DataFrame({"seen": flights.dep_delay, "expected": expected, "count": 1}).groupby(flights.hour)
    hours = by_hour.agg({"seen": "mean", "expected": "mean", "count": "sum"}).query("count >= 100")
    return {
        "flights": len(flights),
        "error": _root_mean_square(flights.dep_delay - expected),
        "error_of_mean": _root_mean_square(flights.dep_delay - model.mean),
        "late": float(is_late.mean()),
        "late_among_riskiest": float(is_late[riskiest].mean()),
        "hours": {column: hours[column].astype("float64").round(2).to_dict() for column in ("seen", "expected")},
    }


def _features(flights: pd.DataFrame) -> pd.DataFrame:
    """One column for each airline, airport, hour, weekday and month, and some for the weather, by the hour too."""
    known = pd.get_dummies(flights[CATEGORIES].astype("category"), dtype="float32")
    weather = flights[WEATHER]
    haze = 10 - weather.visib  # miles
    evening = {"haze_evening": haze * flights.hour, "rain_evening": weather.precip * flights.hour}
    return known.join(weather).assign(wet=(weather.precip > 0).astype("float32"), **evening)


def _root_mean_square(errors: pd.Series) -> float:
    return float(np.sqrt((errors.astype("float64") ** 2).mean()))
