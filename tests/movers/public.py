"""Which tests of Prefect's are about what its users write: by the names that a test, its fixtures and helpers use."""

import ast
from collections.abc import Iterator
from pathlib import Path

# What users import. All other modules are private: the ORM, the HTTP API and its services, engines, workers, agents.
PUBLIC = {
    *("", "artifacts", "blocks", "blocks.abstract", "blocks.core", "blocks.fields", "blocks.notifications"),
    *("blocks.system", "blocks.webhook", "client", "client.orchestration.get_client", "client.schemas"),
    *("client.schemas.filters", "client.schemas.objects", "client.schemas.schedules", "client.schemas.sorting"),
    *("concurrency", "concurrency.asyncio", "concurrency.sync", "context", "events", "exceptions", "filesystems"),
    *("flow_runs", "flows", "futures", "input", "input.actions", "input.run_input", "logging", "logging.loggers"),
    *("results", "runtime", "runtime.deployment", "runtime.flow_run", "runtime.task_run", "serializers", "settings"),
    *("states", "task_runners", "tasks", "testing.utilities", "utilities.annotations", "utilities.hashing"),
    *("utilities.names", "variables"),
}
# Functions that `prefect` itself exports: what follows their names is an attribute, or that of a parameter of the name.
TOP = {"allow_failure", "flow", "get_client", "get_run_logger", "serve", "tags", "task", "unmapped"}
# What is in modules that users import, but is the engine's own, or of Prefect's documentation for developers.
INTERNAL = {
    *("context.EngineContext", "context.ContextModel", "context.PrefectObjectRegistry", "context.SettingsContext"),
    *("flows.load_flow_arguments_from_entrypoint", "flows.safe_load_flow_from_entrypoint"),
    *("futures.call_repr", "futures.resolve_futures_to_data", "futures.resolve_futures_to_states"),
    *("input.create_flow_run_input", "input.filter_flow_run_input", "input.keyset_from_base_key"),
    *("input.keyset_from_paused_state", "client.schemas.objects.FlowRunInput"),
    *("logging.loggers.patch_print", "logging.loggers.print_as_log"),
    *("results.DEFAULT_STORAGE_KEY_FN", "results.ResultFactory", "results.UnknownResult"),
    *("results.get_default_result_storage", "states.exception_to_crashed_state"),
    *("states.exception_to_failed_state", "states.return_value_to_state"),
}
# Attributes of that kind: pydantic's way round a constructor, tables of fields, calls that make rows without runs.
ATTRIBUTES = {
    *("FIELDS", "construct", "create_deployment", "create_flow", "create_flow_run", "create_task_run"),
    *("keyset_from_type", "result_factory"),
}
# A test that replaces functions of these libraries is of how, not of what; so is one that pretends to be a worker.
BELOW = ("httpx.", "apprise.", "anyio.", "asyncio.")
WORKERS = ("PREFECT__FLOW_RUN_ID", "PERDURE__FLOW_RUN_ID")


class TestFile:
    """One file of tests: what each of its functions uses."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        self.imported: dict[str, str] = {}  # local name -> dotted name of prefect
        self.tops: dict[str, ast.AST] = {}
        self.others: set[str] = set()  # imported from elsewhere: their private names are none of Prefect's
        for node in tree.body:
            if isinstance(node, ast.Import):
                self.others |= {each.asname or each.name.partition(".")[0] for each in node.names} - {"prefect"}
            self._take_imports(node, self.imported)
            for name in _bound(node):
                self.tops[name] = node

    @staticmethod
    def _take_imports(node: ast.AST, into: dict[str, str]) -> None:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "prefect":
            for each in node.names:
                into[each.asname or each.name] = f"{node.module}.{each.name}"
        elif isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] == "prefect":
                    into[each.asname or "prefect"] = each.name if each.asname else "prefect"

    def _methods(self, class_: ast.AST) -> dict[str, ast.AST]:
        return {
            n.name: n for n in getattr(class_, "body", ()) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
        }

    def uses(self, names: list[tuple[str | None, str]]) -> Iterator[str]:
        """Dotted names of prefect, and private attributes as `._name`, that functions use, helpers included."""
        seen: set[int] = set()
        for class_name, name in names:
            class_ = self.tops.get(class_name) if class_name else None
            methods = self._methods(class_) if class_ is not None else {}
            node = methods.get(name) or self.tops.get(name)
            if node is not None:
                yield from self._walk(node, methods, seen)
            for each in (*getattr(class_, "decorator_list", ()),):
                yield from self._walk(each, methods, seen)

    def _of_attribute(
        self, node: ast.Attribute, local: dict[str, str], methods: dict[str, ast.AST], seen: set[int]
    ) -> Iterator[str]:
        dotted = _dotted(node)
        first, _, rest = dotted.partition(".")
        if first in local:
            yield f"{local[first]}.{rest}"
        elif first == "self" and rest in methods:
            yield from self._walk(methods[rest], methods, seen)
        if node.attr in ATTRIBUTES or dotted == "respx.mock":
            yield f"._{node.attr}"
        is_private = node.attr.startswith("_") and not node.attr.startswith("__")
        if is_private and first not in {"self", "cls", *self.others}:
            yield f"._{node.attr[1:]}"

    def _walk(self, root: ast.AST, methods: dict[str, ast.AST], seen: set[int]) -> Iterator[str]:
        if id(root) in seen:
            return
        seen.add(id(root))
        local = dict(self.imported)
        for node in ast.walk(root):
            self._take_imports(node, local)
        for node in ast.walk(root):
            if isinstance(node, ast.Attribute):
                yield from self._of_attribute(node, local, methods, seen)
            elif isinstance(node, ast.Name):
                if node.id in local:
                    yield local[node.id]
                elif node.id in self.tops and self.tops[node.id] is not root:
                    yield from self._walk(self.tops[node.id], methods, seen)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                mine: dict[str, str] = {}
                self._take_imports(node, mine)
                yield from mine.values()
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value in WORKERS or (node.value.startswith(_PATCHED) and _patches(root, node)):
                    yield f"patched {node.value}"
            elif isinstance(node, ast.Call) and _dotted(node.func).endswith(("monkeypatch.setattr", "patch.object")):
                target = _dotted(node.args[0]) if node.args else ""
                if target.partition(".")[0] in local:
                    yield f"patched {target}"


_PATCHED = ("prefect.", "perdure.", *BELOW)


def _patches(root: ast.AST, constant: ast.AST) -> bool:
    for node in ast.walk(root):
        if isinstance(node, ast.Call) and constant in node.args:
            called = _dotted(node.func)
            return called.endswith(("setattr", "patch", "patch.object", "import_module", "import_object"))
    return False


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "()"


def why_private(uses: Iterator[str]) -> str | None:
    """Of the names that a test uses, the first that users do not have; None for a test that counts."""
    for name in uses:
        if name.startswith(("._", "patched ")):
            return name
        path = name.removeprefix("prefect").removeprefix(".")
        if any(part.startswith("_") and not part.startswith("__") for part in path.split(".")):
            return name
        if path in INTERNAL:
            return name
        parts = path.split(".")
        if parts[0][:1].isupper() or parts[0] in TOP or path in PUBLIC or len(parts) == 1:
            continue
        known = [path[: len(".".join(parts[:n]))] for n in range(1, len(parts) + 1)]
        module = next((each for each in reversed(known) if each in PUBLIC), None)
        if module is None:
            return name
        if name.partition(".")[2] and _is_private_module(path, module):
            return name
    return None


_PRIVATE_BELOW = {
    "blocks": ("kubernetes",),
    "client": ("base", "cloud", "orchestration", "subscriptions", "utilities"),
    "concurrency": ("events", "services"),
    "events": ("actions", "cli", "clients", "filters", "instrument", "related", "schemas", "utilities", "worker"),
    "logging": ("configuration", "filters", "formatters", "handlers", "highlighters"),
}


def _is_private_module(path: str, module: str) -> bool:
    rest = path.removeprefix(module).lstrip(".").partition(".")[0]
    return rest in _PRIVATE_BELOW.get(module, ())
