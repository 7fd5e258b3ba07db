"""The chart of the flights' delays."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, SEEN, EXPECTED = "#1f2933", "#7b8794", "#0f766e", "#d97706"


def drawn(airlines: dict[str, dict[str, float]], scores: dict[str, Any], count: int, late: int) -> Figure:
    """Delays by hour, as seen and as forecast, beside each airline's share of late flights."""
    figure = Figure(figsize=(12, 6.4), dpi=150, facecolor="white")
    hours, shares = figure.subplots(1, 2, width_ratios=[6, 5])
    figure.subplots_adjust(left=0.06, right=0.955, top=0.76, bottom=0.13, wspace=0.55)
    figure.text(0.06, 0.925, "Fly early: delays pile up through the day", size=20, weight="bold", color=INK)
    figure.text(0.06, 0.875, f"{count:,} departures from New York's three airports in 2013", size=12, color=MUTED)
    _draw_hours(hours, scores)
    _draw_airlines(shares, airlines, late)
    return figure


def _draw_hours(axes: Axes, scores: dict[str, Any]) -> None:
    for name, label, colour, style in (("expected", "forecast", EXPECTED, "--"), ("seen", "actual", SEEN, "-")):
        points = {int(hour): minutes for hour, minutes in scores["hours"][name].items()}
        axes.plot(
            list(points),
            list(points.values()),
            style,
            color=colour,
            linewidth=2.5,
            marker="o",
            markersize=4,
            label=label,
        )
    axes.set_title(
        f"Mean departure delay on {scores['flights']:,} held-out flights", loc="left", size=12, color=INK, pad=12
    )
    axes.set_xlabel("scheduled hour of departure", color=MUTED)
    axes.set_ylabel("minutes late", color=MUTED)
    axes.set_xticks(range(6, 24, 3), [f"{hour}:00" for hour in range(6, 24, 3)])
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e4e7eb")
    axes.legend(reverse=True, frameon=False, loc="upper left", labelcolor=INK)
    _calm(axes)


def _draw_airlines(axes: Axes, airlines: dict[str, dict[str, float]], late: int) -> None:
    ranked = sorted(airlines.items(), key=lambda item: item[1]["late"])
    names = [name.removesuffix(" Inc.").removesuffix(" Co.").removesuffix(" Corporation") for name, _ in ranked]
    shares = [100 * summary["late"] for _, summary in ranked]
    bars = axes.barh(names, shares, color=SEEN, height=0.68)
    axes.bar_label(bars, fmt="%.0f %%", padding=4, color=INK, size=9.5)
    axes.set_title(f"Flights that left {late} minutes late or more", loc="left", size=12, color=INK, pad=12)
    axes.set_xlabel("per cent of the airline's flights", color=MUTED)
    axes.set_xlim(0, max(shares) * 1.12)
    axes.tick_params(axis="y", length=0)
    _calm(axes)
    axes.spines["left"].set_visible(False)


def _calm(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#cbd2d9")
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9.5)
    axes.set_axisbelow(True)
