"""Names that people can say, such as those of flow runs."""

from perdure._model.run_names import generate_slug
from perdure._platform.moved import export

__all__ = ["generate_slug"]

export(globals())
