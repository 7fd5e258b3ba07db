"""The composition root: from the settings to an orchestrator, a result store and task runners; it performs effects."""

from perdure._platform.moved import export
from perdure._session.session import Session, be_impatient, close, current, use

__all__ = ["Session", "be_impatient", "close", "current", "use"]

export(globals())
