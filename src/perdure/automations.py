"""Automations: start a deployment, pause, cancel or notify, when an event comes or does not come in time.

```python
Automation(
    name="load-orders",
    trigger=EventTrigger(expect="order.shipped", match={"resource.perdure.resource.id": "order.*"}),
    actions=[RunDeployment(deployment="load/nightly", parameters={"boxes": "{event.payload.boxes}"})],
).apply()
```
"""

from perdure._automations.definition import (
    AbsenceTrigger,
    CancelRun,
    EventTrigger,
    FileTrigger,
    Notify,
    Pause,
    RateLimit,
    Resume,
    RunDeployment,
)
from perdure._execution.automations import Automation
from perdure._model.errors import AutomationError
from perdure._platform.moved import export

__all__ = [
    "AbsenceTrigger",
    "Automation",
    "AutomationError",
    "CancelRun",
    "EventTrigger",
    "FileTrigger",
    "Notify",
    "Pause",
    "RateLimit",
    "Resume",
    "RunDeployment",
]

export(globals())
