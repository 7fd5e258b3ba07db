"""Storage keys: where in its storage a result's document lies."""

import os
import re
from collections.abc import Collection, Mapping
from string import Formatter
from typing import Any

from perdure._model.errors import DefinitionError, StorageKeyError
from perdure._platform.suggest import nearest

_OWN_KEY = re.compile(r"[0-9a-f]{32}")
_RUNS = ("flow_run", "task_run", "deployment")
ROOTS = (*_RUNS, "parameters")  # what a template may use
KEY_ROOTS = (*ROOTS, "digest")  # what a storage key may use: the digest of the value's bytes, hexadecimal


_KEY_BYTES, _KEYS = 16, 64  # of a key; and how many are made at once: asking the system takes longer than the rest
_spare_keys: list[str] = []

if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_spare_keys.clear)  # the parent uses them


def new_key() -> str:
    """A key of its own for one result: 32 hexadecimal characters."""
    try:
        return _spare_keys.pop()
    except IndexError:
        data = os.urandom(_KEY_BYTES * _KEYS).hex()
        keys = [data[at : at + 2 * _KEY_BYTES] for at in range(0, len(data), 2 * _KEY_BYTES)]
        _spare_keys.extend(keys[1:])
        return keys[0]


def is_own_key(key: str) -> bool:
    """Whether a key is one that `new_key` could have made: then it is used for one result only."""
    return _OWN_KEY.fullmatch(key) is not None


def check_template(
    option: str, template: str, parameters: Collection[str] | None, roots: Collection[str] = KEY_ROOTS
) -> None:
    """Check a template at definition; `parameters` are the function's names, or None if it takes any.

    `option` is what the template was given as, and `roots` are the names that it may use.

    Raises:
        DefinitionError: the template is malformed, or names something that will not be there.
    """
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise DefinitionError(
            f"{option}={template!r} is not a template: {error}. Write fields as {{flow_run.name}}, and a brace that"
            " is meant as it is twice."
        ) from None
    for field in fields:
        root, _, rest = field.partition("[")
        root = root.partition(".")[0]
        if root not in roots:
            example = "parameters[name]" if roots is KEY_ROOTS else "flow_run.name"
            raise DefinitionError(
                f"{option}={template!r} names {root!r}; it may use {', '.join(roots)},"
                f" such as {{{example}}}.{nearest(root, roots)}"
            )
        is_parameter = roots is not KEY_ROOTS and field in (parameters or ())
        if field in _RUNS and not is_parameter:  # as text, it would be an address in memory
            raise DefinitionError(
                f"{option}={template!r} names the whole of {field!r}, which is no text. Name a part: {{{field}.name}}."
            )
        name = rest.partition("]")[0]
        if root == "parameters" and name and parameters is not None and name not in parameters:
            raise DefinitionError(
                f"{option}={template!r} names the parameter {name!r}, which the function does not have;"
                f" it has {', '.join(parameters) or 'none'}.{nearest(name, parameters)}"
            )


def needs_digest(template: str) -> bool:
    """Whether a key can be made only once the value's bytes are known."""
    return any(
        field is not None and field.partition(".")[0] == "digest" for _, field, _, _ in Formatter().parse(template)
    )


def format_key(template: str, variables: Mapping[str, Any]) -> str:
    """The key of one run.

    Raises:
        StorageKeyError: the template names something that is not there.
    """
    try:
        return template.format(**variables)
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        raise StorageKeyError(
            f"result_storage_key={template!r} cannot be formatted for this run: {_fault(error)} The run's parameters"
            f" are {', '.join(map(str, variables.get('parameters', ()))) or 'none'}. Mend the template."
        ) from None


def _fault(error: Exception) -> str:
    if isinstance(error, AttributeError) and error.name is not None:
        known = [name for name in dir(error.obj) if not name.startswith("_")]
        return f"it names {error.name!r}, which does not exist.{nearest(error.name, known)}"
    if isinstance(error, KeyError):
        return f"it names {error}, which does not exist."
    return f"{error}."
