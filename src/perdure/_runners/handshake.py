"""What a worker on another machine must know of who sends it calls: settings without secrets, versions, names."""

import json
import sys
import uuid

from perdure._platform import programs
from perdure._platform.files import working_directory
from perdure._platform.version import VERSION
from perdure._settings import settings

ME = uuid.uuid4().hex  # this process, and its forks


def greeting() -> bytes:
    """For a worker that is to run calls of this process's flows."""
    from perdure._serializers.references import project_of_module

    return json.dumps(
        {
            "me": ME,
            "versions": versions(),
            "settings": settings.as_environment(reveal=False),
            "programs": {
                each: (programs.name_of_module(each), project_of_module(each)) for each in programs.programs()
            },
            "path": [each or working_directory() or "." for each in sys.path],
        }
    ).encode()


def versions() -> dict[str, object]:
    """What must be the same where a call is made and where it runs, for code and values to be read there."""
    import cloudpickle

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"Python": python, "Perdure": VERSION, "cloudpickle": cloudpickle.__version__}
