"""Small flows with believable work, whose runs fill the page: sales, sensors, models, orders, releases."""

import io
import os
import random
import signal
import time
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from pydantic import BaseModel

from perdure import INPUTS, allow_failure, flow, get_run_logger, runtime, suspend_flow_run, task
from perdure.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress,
)

KILLED = "FILLED_SHIFT_SECONDS"  # how far the clock of a process that is to be killed is set back

PRODUCTS = ["Espresso machine", "Grinder", "Kettle", "Filter papers", "Ceramic dripper", "Scale", "Travel mug"]
Array = np.ndarray[Any, np.dtype[Any]]


class SourceUnavailable(Exception):
    """A system that data come from does not answer."""


class CalibrationError(ValueError):
    """A sensor's readings cannot be made sense of."""


# Sales


@task(cache_policy=INPUTS, retries=2, retry_delay_seconds=0.02, tags={"warehouse"})
def extract_orders(region: str, day: str) -> pd.DataFrame:
    chance = random.Random(f"{region}{day}")
    time.sleep(chance.uniform(0.02, 0.2))
    if runtime.task_run.run_count == 1 and chance.random() < 0.25:
        raise SourceUnavailable(f"the warehouse of {region} is in its maintenance window")
    count = chance.randint(80, 260)
    return pd.DataFrame(
        {
            "order": [f"{region[:2].upper()}-{chance.randint(10_000, 99_999)}" for _ in range(count)],
            "product": [chance.choice(PRODUCTS) for _ in range(count)],
            "units": [chance.randint(1, 6) for _ in range(count)],
            "price": [round(chance.uniform(4, 480), 2) for _ in range(count)],
            "placed": pd.Timestamp(day) + pd.to_timedelta([chance.randint(0, 86_399) for _ in range(count)], unit="s"),
            "returned": [chance.random() < 0.04 for _ in range(count)],
        }
    )


@task(persist_result=True)
def remove_returns(orders: pd.DataFrame) -> pd.DataFrame:
    logger = get_run_logger()
    logger.info("%d of %d orders were returned", orders.returned.sum(), len(orders))
    return orders[~orders.returned].drop(columns="returned").reset_index(drop=True)


@task(persist_result=True, result_serializer="json")
def totals_by_product(orders: pd.DataFrame) -> dict[str, dict[str, float]]:
    table = orders.assign(revenue=orders.units * orders.price).groupby("product")[["units", "revenue"]].sum().round(2)
    create_table_artifact(table.reset_index(), key="sales-by-product", description="Units and revenue by product")
    found: dict[str, dict[str, float]] = table.to_dict("index")
    return found


@task(persist_result=True)
def chart(totals: dict[str, dict[str, float]]) -> bytes:
    """Bars as a PNG."""
    picture = np.full((120, 40 * len(totals), 3), 248, dtype=np.uint8)
    most = max(each["revenue"] for each in totals.values())
    for number, each in enumerate(totals.values()):
        height = int(100 * each["revenue"] / most)
        picture[118 - height : 118, 40 * number + 6 : 40 * number + 34] = (79, 110, 247)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    create_image_artifact(file.getvalue(), key="revenue", description="Revenue by product")
    return file.getvalue()


@flow(persist_result=True, flow_run_name="sales {region} {day}")
def sales_report(region: str, day: str) -> dict[str, Any]:
    """Yesterday's orders of a region as a report."""
    orders = remove_returns(extract_orders(region, day))
    totals = totals_by_product(orders)
    chart(totals)
    best = max(totals, key=lambda name: totals[name]["revenue"])
    revenue = sum(each["revenue"] for each in totals.values())
    create_markdown_artifact(
        f"# Sales of {region}, {day}\n\n**{revenue:,.2f} €** in {len(orders)} orders. Best sold: *{best}*.\n\n"
        + "| product | units | revenue |\n|---|---:|---:|\n"
        + "\n".join(f"| {name} | {each['units']:.0f} | {each['revenue']:,.2f} |" for name, each in totals.items()),
        key="daily-sales",
    )
    create_link_artifact("https://example.org/dashboards/sales", "Dashboard", key="dashboard")
    return {"region": region, "day": day, "revenue": round(revenue, 2), "orders": len(orders), "best": best}


# Sensors


@task(persist_result=True, result_serializer="numpy", task_run_name="read {sensor}", tags={"field-bus"})
def read_sensor(sensor: str, samples: int) -> Array:
    chance = np.random.default_rng(abs(hash(sensor)) % 2**32)
    get_run_logger().debug("%s: %d samples at 50 Hz", sensor, samples)
    time.sleep(chance.uniform(0.001, 0.02))
    if sensor.endswith("-13"):
        raise CalibrationError(f"{sensor}: all of its {samples} samples are equal; is it connected?")
    return 20 + np.cumsum(chance.normal(0, 0.05, samples))


@task(persist_result=True)
def fit_drift(readings: Array) -> dict[str, float]:
    slope, offset = np.polyfit(np.arange(len(readings)), readings, 1)
    return {"slope": float(slope), "offset": float(offset), "residual": float(np.std(readings))}


@flow(persist_result=True)
def sensor_calibration(station: str, sensors: int = 8, samples: int = 2_000) -> dict[str, Any]:
    """Fit each sensor's drift; those that cannot be fitted are logged and left out."""
    logger = get_run_logger()
    names = [f"{station}-{number:02d}" for number in range(sensors)]
    progress = create_progress_artifact(0, description=f"sensors of {station}")
    readings = read_sensor.map(names, samples)
    fits = {}
    for done, (name, reading) in enumerate(zip(names, readings, strict=True), start=1):
        state = fit_drift(allow_failure(reading), return_state=True)
        if state.is_failed():
            logger.warning("%s is left out: %s", name, state.message)
        else:
            fits[name] = state.result()
        update_progress(progress, 100 * done / len(names))
    return {"station": station, "fits": fits, "left_out": sorted(set(names) - set(fits))}


# Models


@task(persist_result=True, result_serializer="numpy", cache_policy=INPUTS)
def features(seed: int, rows: int) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, 24)).astype("float32")


@task(task_run_name="epoch {number}")
def epoch(weights: Array, data: Array, rate: float, number: int) -> Array:
    time.sleep(0.02)
    target = np.sign(data[:, 0] + data[:, 3])
    loss = float(np.mean((data @ weights - target) ** 2))
    get_run_logger().info("epoch %d: loss %.4f", number, loss)
    if not np.isfinite(loss) or loss > 1e6:
        raise ArithmeticError(f"the loss is {loss:.3g} after epoch {number}: try a learning rate below {rate}")
    step: Array = weights - rate * (data.T @ (data @ weights - target)) / len(data)
    return step


@task(persist_result=True, result_serializer="json")
def evaluate(weights: Array, data: Array) -> dict[str, Any]:
    right = np.sign(data @ weights) == np.sign(data[:, 0] + data[:, 3])
    return {"accuracy": float(right.mean()), "rows": len(data), "weights": {"mean": float(weights.mean()), "n": 24}}


@flow(persist_result=True, flow_run_name="train {model}")
def train_model(model: str, epochs: int = 6, rate: float = 0.2, rows: int = 4_000) -> dict[str, Any]:
    """A linear model by gradient descent."""
    data = features(len(model), rows)
    weights: Array = np.zeros(24, dtype="float32")
    for number in range(epochs):
        weights = epoch(weights, data, rate, number)
    scores = evaluate(weights, data)
    create_markdown_artifact(f"## {model}\n\nAccuracy **{scores['accuracy']:.1%}** on {rows:,} rows.", key="model-card")
    return {"model": model, **scores}


# Orders


def connected(attempt: int) -> None:
    try:
        raise ConnectionResetError(104, "Connection reset by peer")  # noqa: TRY301 - the cause of what is raised
    except ConnectionResetError as error:
        raise SourceUnavailable(f"orders.example.org does not answer (attempt {attempt})") from error


@task(retries=3, retry_delay_seconds=[0.01, 0.05, 0.1])
def fetch_page(page: int, works_at: int) -> list[dict[str, Any]]:
    attempt = runtime.task_run.run_count
    time.sleep(random.uniform(0.01, 0.06))
    if attempt < works_at:
        connected(attempt)
    return [{"id": page * 100 + number, "total": round(random.uniform(5, 90), 2)} for number in range(20)]


@task
def store(orders: list[dict[str, Any]]) -> int:
    print(f"stored {len(orders)} orders")
    return len(orders)


@flow(log_prints=True)
def ingest_orders(pages: int = 3, works_at: int = 1) -> int:
    """Orders from a shop's API, which has bad moments."""
    return sum(store(fetch_page(page, works_at if page == pages - 1 else 1)) for page in range(pages))


# Round them


@flow(flow_run_name="nightly of {day}")
def nightly(day: str) -> dict[str, Any]:
    """All that is done at night."""
    reports = [sales_report(region, day) for region in ("north", "south")]
    return {"reports": reports, "calibration": sensor_calibration(f"alp-{day[-2:]}", sensors=5)}


@flow(flow_run_name="week until {day}")
def close_week(day: str) -> int:
    """The orders of a week; the shop does not answer."""
    return ingest_orders(2, works_at=9)


class Approval(BaseModel):
    """What a release waits for."""

    approved: bool
    by: str = "nobody"
    notes: str | None = None


@task(persist_result=True)
def build_wheel(version: str) -> list[str]:
    return [f"shop-{version}-py3-none-any.whl", f"shop-{version}.tar.gz"]


@flow(durable=True, flow_run_name="release {version}")
def publish_release(version: str) -> str:
    """Builds, waits for somebody's approval for a day, and publishes."""
    files = build_wheel(version)
    approval = suspend_flow_run(wait_for_input=Approval, timeout=10 * 86_400)
    return f"{files[0]}: {approval.approved}, says {approval.by}"


@task
def copy_table(table: str, seconds: float) -> str:
    time.sleep(seconds)
    return table


@flow
def back_up_database(seconds: float = 0.02) -> list[str]:
    """Every table, one after the other."""
    return [copy_table(table, seconds) for table in ("customers", "orders", "order_lines", "stock", "prices")]


@task
def square(number: int) -> int:
    time.sleep(0.002)
    return number * number


@flow(
    name="Recompute every customer's lifetime value, including those who have asked to be forgotten (quarterly, EMEA)",
    flow_run_name="a run whose name is so long that no table has room for all of it, ünïcödé 数据 🚀 {count}",
)
def fan_out(count: int = 300) -> int:
    """Many small tasks at once."""
    return sum(square.map(range(count)).result())


@flow(log_prints=True)
def reindex_search(shards: int = 4) -> None:
    """Ends as the machine would have it, where KILLED is set: killed. Elsewhere it runs to its end."""
    for shard in range(shards):
        copy_table(f"shard-{shard}", 0.01)
        print(f"shard {shard} is done")
        if shard == 2 and KILLED in os.environ:
            time.sleep(1.2)  # for the records to be written
            os.kill(os.getpid(), signal.SIGKILL)


# Live ones


@task(task_run_name="{name} {number}")
def work(name: str, number: int, seconds: float) -> int:
    logger = get_run_logger()
    for step in range(4):
        time.sleep(seconds / 4)
        logger.info("%s %d: %d%%", name, number, 25 * (step + 1))
    if number % 17 == 16:
        raise SourceUnavailable(f"{name} lost its source at step {number}")
    return number


@flow(flow_run_name="{name}")
def stream_monitor(name: str, seconds: float = 600) -> int:
    """Runs on for so many seconds, a task after the other."""
    progress = create_progress_artifact(0, description=f"watching {name}")
    began, number = time.monotonic(), 0
    while (spent := time.monotonic() - began) < seconds:
        work(name, number, random.uniform(0.4, 3), return_state=True)
        update_progress(progress, min(100, 100 * spent / seconds))
        number += 1
    return number
