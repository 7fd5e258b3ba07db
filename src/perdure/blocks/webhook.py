"""A block for a URL that is called."""

from perdure._blocks.webhook import Webhook
from perdure._platform.moved import export

__all__ = ["Webhook"]

export(globals())
