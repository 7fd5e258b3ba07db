"""Serves a flow: `python served.py SECONDS [automation]`, by an interval of so many seconds, or (0) never."""

import sys

from perdure import flow
from perdure.automations import Automation, EventTrigger, Notify


@flow
def tick() -> None:
    """Does nothing."""


if __name__ == "__main__":
    if "automation" in sys.argv:
        Automation(name="failed", trigger=EventTrigger(expect="flow-run.failed"), actions=[Notify(subject="a")]).apply()
    seconds = int(sys.argv[1])
    tick.serve("bench", interval=seconds or None)
