"""Under which key of its storage a run's result is written: one that its options name, or else a new one."""

from perdure._engine.lifecycle.runtime_views import template_variables
from perdure._results.keys import format_key, needs_digest
from perdure._results.store import KeyOfDigest
from perdure._run.context import RunContext


def storage_key_of(run: RunContext) -> str | KeyOfDigest | None:
    """The key that the option `result_storage_key` gives, or what makes it from the value's digest; None: a new one."""
    template = getattr(run.options, "result_storage_key", None)
    if template is None:
        return None
    variables = template_variables(run)
    if needs_digest(template):
        return lambda digest: format_key(template, variables | {"digest": digest})
    return format_key(template, variables)
