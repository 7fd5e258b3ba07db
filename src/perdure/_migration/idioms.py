"""What programs of other systems write in a way of their own, in Perdure's: more than names that move.

Each class knows one system. What it cannot be sure of it leaves as it is, for the rules to list.
"""

import ast
from collections.abc import Collection, Mapping, Sequence

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, ImportItem, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper

from perdure._migration.airflow_dags import Airflow
from perdure._migration.dagster_assets import Dagster
from perdure._migration.dbos_workflows import Dbos
from perdure._migration.idiom import Idioms, assigned, code, dropped, elements, method, named
from perdure._migration.luigi_functions import Luigi
from perdure._migration.rules import Finding, Source
from perdure._platform.named import NamedTuple

__all__ = ["in_our_idioms", "without_imports"]


class Idiomatic(NamedTuple):
    """A program with what its system has idioms for rewritten."""

    text: str
    settled: Collection[str] = ()  # names whose notes need not be said any more
    findings: Sequence[Finding] = ()


def in_our_idioms(text: str, source: Source) -> Idiomatic:
    """A program of a system, with what that has idioms for rewritten."""
    kind = _IDIOMS.get(source.name)
    if kind is None:
        return Idiomatic(text)
    idioms = kind()
    made = MetadataWrapper(cst.parse_module(text)).visit(idioms)
    items = [ImportItem("perdure", name) for name in sorted(idioms.needed)]
    items += [ImportItem(module, name) for module, name in sorted(idioms.theirs)]
    made = AddImportsVisitor(CodemodContext(), items).transform_module(made) if items else made
    return Idiomatic(without_imports(made.code, text, source), idioms.settled, idioms.findings)


def without_imports(text: str, before: str, source: Source) -> str:
    """The program without the imports of a system that it used before, and uses no more."""
    gone = [each for each in _unused(text, source) if each not in _unused(before, source)]
    for module, name, alias in gone:
        remover = RemoveImportsVisitor(CodemodContext(), [(module, name, alias)])
        text = remover.transform_module(cst.parse_module(text)).code
    return text


Imported = tuple[str, str | None, str | None]  # a module, the name that is imported of it, and what it is called


def _unused(text: str, source: Source) -> list[Imported]:
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used.update(word for node in ast.walk(tree) if isinstance(node, ast.Constant) for word in str(node.value).split())
    found: list[Imported] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            came = [each for each in node.names if source.knows(each.name) or each.name in source.beside]
            found += [(each.name, None, each.asname) for each in came]
        elif isinstance(node, ast.ImportFrom) and not node.level and source.knows(node.module or ""):
            found += [(node.module or "", each.name, each.asname) for each in node.names]
    return [each for each in found if (each[2] or each[1] or each[0].partition(".")[0]) not in used]


class _Joblib(Idioms):
    """A function that a `Memory` caches is a task with a persisted result and a cache."""

    def __init__(self) -> None:
        super().__init__()
        self._memories: set[str] = set()

    def visit_Module(self, node: cst.Module) -> None:
        """Which variables at the top are nothing but a memory, by which functions are cached."""
        made = [each for each in map(assigned, node.body) if each is not None]
        names = {name for name, value in made if self.called(value) in ("joblib.Memory", "joblib.memory.Memory")}
        self._memories = {name for name in names if _Uses(name).only_caches(node)}

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.RemovalSentinel":
        found = assigned(original_node)
        is_memory = found is not None and found[0] in self._memories and self.called(found[1]) is not None
        return dropped(updated_node) if is_memory else updated_node

    def leave_Decorator(self, original_node: cst.Decorator, updated_node: cst.Decorator) -> cst.Decorator:
        made = original_node.decorator
        call = made if isinstance(made, cst.Call) else cst.Call(made)
        return updated_node.with_changes(decorator=self._task(call)) if self._is_cache(call) else updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        args = original_node.args
        if not self._is_cache(original_node) or not args or args[0].keyword is not None:
            return updated_node
        return cst.Call(self._task(original_node), [cst.Arg(updated_node.args[0].value)])

    def _is_cache(self, call: cst.Call) -> bool:
        return method(call, self._memories) == "cache"

    def _task(self, call: cst.Call) -> cst.Call:
        self.needed.update(("INPUTS", "TASK_SOURCE", "task"))
        ignored = [f" - {cst.Module([]).code_for_node(each)}" for each in elements(named(call).get("ignore"))]
        policy = f"INPUTS{''.join(ignored)} + TASK_SOURCE"
        made = code(f"task(persist_result=True, cache_policy={policy})")
        assert isinstance(made, cst.Call)
        return made


class _Uses(cst.CSTVisitor):
    """Whether a variable is used for `NAME.cache` of plain functions alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._others = -1  # the assignment itself is one

    def only_caches(self, module: cst.Module) -> bool:
        module.visit(self)
        return self._others == 0

    def visit_Name(self, node: cst.Name) -> None:
        self._others += node.value == self._name

    def visit_Decorator(self, node: cst.Decorator) -> bool:
        func = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
        return not self._is_cache(func)

    def visit_Call(self, node: cst.Call) -> bool:
        is_plain = bool(node.args) and node.args[0].keyword is None and isinstance(node.args[0].value, cst.Name)
        return not (is_plain and self._is_cache(node.func))

    def _is_cache(self, func: cst.BaseExpression) -> bool:
        return (
            isinstance(func, cst.Attribute)
            and func.attr.value == "cache"
            and isinstance(func.value, cst.Name)
            and func.value.value == self._name
        )


_IDIOMS: Mapping[str, type[Idioms]] = {
    "dbos": Dbos,
    "joblib": _Joblib,
    "dagster": Dagster,
    "airflow": Airflow,
    "luigi": Luigi,
}
