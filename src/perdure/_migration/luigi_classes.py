"""Luigi's task classes, as they are read: parameters, methods, what they require, and what cannot be rewritten."""

import builtins
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from perdure._migration.idiom import Idioms, all_of, code, elements, named
from perdure._migration.luigi_nodes import (
    BUILDS,
    KINDS,
    LAUNCHES,
    OF_BUILD,
    call_of,
    free_name,
    is_call,
    is_nothing,
    is_pass,
    is_self,
    is_text,
    is_text_value,
    keyword_of,
    set_by,
    statements,
    variables_of,
    yields,
)
from perdure._migration.rules import Finding

__all__ = ["PAGE", "LuigiClass", "LuigiReader"]

PAGE = "coming-from/luigi.md"
_HINTS: Mapping[str, tuple[str, str]] = {  # of what parameters give: the module to import it from, and its name
    "Parameter": ("", "str"),
    "OptionalParameter": ("", "str | None"),
    "IntParameter": ("", "int"),
    "FloatParameter": ("", "float"),
    "BoolParameter": ("", "bool"),
    "ListParameter": ("", "list"),
    "TupleParameter": ("", "tuple"),
    "DictParameter": ("", "dict"),
    "DateParameter": ("datetime", "date"),
    "MonthParameter": ("datetime", "date"),
    "YearParameter": ("datetime", "date"),
    "DateHourParameter": ("datetime", "datetime"),
    "DateMinuteParameter": ("datetime", "datetime"),
    "DateSecondParameter": ("datetime", "datetime"),
    "TimeDeltaParameter": ("datetime", "timedelta"),
}
_DEFAULTS = {"OptionalParameter": "None", "BoolParameter": "False"}
_NEEDLESS = {"description", "significant", "visibility", "always_in_help", "parsing"}  # of parameters
_NEEDLESS_ATTRIBUTES = {"task_namespace", "task_family", "priority"}
_OPTIONS = {"retry_count": "retries", "worker_timeout": "timeout_seconds"}
_REQUIRES = {"luigi.util.requires", "luigi.util.inherits"}
_OF_LUIGI = {
    "complete": "Return early where it is true; without it, a task is complete when its output is there.",
    "on_success": "Use `on_completion=[hook]`, called with the task, its run and the state.",
    "on_failure": "Use `on_failure=[hook]`, called with the task, its run and the state.",
    "input": "Give what is required as arguments.",
    "deps": "Call what is required.",
    "clone": "Call the function with its arguments.",
}
_SETTINGS = {
    "resources": "Use a concurrency limit: `with concurrency(…)`.",
    "batchable": "Call the function with all the values at once.",
    "disabled": "Do not call it.",
}


@dataclass
class LuigiClass:
    """A class of tasks, as a function is made of it."""

    node: cst.ClassDef
    kind: str
    function: str  # its name
    parameters: dict[str, cst.Param] = field(default_factory=dict)
    methods: dict[str, cst.FunctionDef] = field(default_factory=dict)
    constants: dict[str, cst.SimpleStatementLine] = field(default_factory=dict)
    options: list[cst.Arg] = field(default_factory=list)
    doc: cst.SimpleStatementLine | None = None
    inherits: list[str] = field(default_factory=list)  # the classes whose parameters it has, too
    requires: list[str] = field(default_factory=list)  # of those, the ones that it requires
    is_required: bool = False

    @property
    def own(self) -> Collection[str]:
        """What `self.x` may be."""
        return {*self.parameters, *self.constants, *self.helpers}

    @property
    def helpers(self) -> Sequence[str]:
        return [each for each in self.methods if each not in ("requires", "output", "run")]

    @property
    def is_ordered(self) -> bool:
        """Whether Python takes the parameters in their order: none without a default after one with one."""
        defaults = [each.default is not None for each in self.parameters.values()]
        return defaults == sorted(defaults)


class LuigiReader(Idioms):
    """Reads a file's task classes; there are none, if something is in the way: then `findings` say what."""

    def __init__(self) -> None:
        super().__init__()
        self.classes: dict[str, LuigiClass] = {}
        self._seen: set[cst.CSTNode] = set()  # names of classes, where it is known what becomes of them
        self.module: cst.Module = cst.Module([])

    # What there is

    def visit_Module(self, node: cst.Module) -> None:
        self.module = node
        names = {each.value for each in all_of(node, cst.Name)}
        taken = names | set(dir(builtins))
        for each in all_of(node, cst.ClassDef):
            if any((self.full(base.value) or "").startswith("luigi.") for base in each.bases):
                self.classes[each.name.value] = LuigiClass(each, self._kind_of(each), free_name(each.name.value, taken))
        for found in self.classes.values():
            self._read(found)
        for found in self.classes.values():
            for above in reversed(found.inherits):
                found.parameters = self.classes[above].parameters | found.parameters
        for name, found in self.classes.items():
            for method in found.methods.values():
                self._look_at_calls(name, method)
            for above in found.requires:
                self.classes[above].is_required = True
        self._look_at_launch(node)
        self._look_at_uses(node)
        if self.findings:
            self.classes = {}

    def _kind_of(self, node: cst.ClassDef) -> str:
        full = self.full(node.bases[0].value) or ""
        kind = full.rpartition(".")[2]
        if full not in {f"luigi.{each}" for each in KINDS} | {f"luigi.task.{each}" for each in KINDS}:
            self._refuse(node, full, "Only classes of Task, ExternalTask and WrapperTask themselves are rewritten.")
        if len(node.bases) > 1 or node.keywords:
            self._refuse(node, node.name.value, "A class of several is not rewritten.")
        if not any(node is each for each in self.module.body):
            self._refuse(node, node.name.value, "A class inside something else is not rewritten.")
        return kind

    def _read(self, found: LuigiClass) -> None:
        for each in found.node.decorators:
            self._read_decorator(found, each)
        for place, statement in enumerate(found.node.body.body):
            made = set_by(statement)
            if isinstance(statement, cst.FunctionDef):
                self._read_method(found, statement)
            elif made is not None:
                self._read_attribute(found, statement, *made)
            elif place == 0 and is_text(statement):
                found.doc = cst.ensure_type(statement, cst.SimpleStatementLine)
            elif not is_pass(statement):
                self._refuse(statement, found.node.name.value, "Only parameters, attributes and methods are rewritten.")

    def _read_decorator(self, found: LuigiClass, node: cst.Decorator) -> None:
        full, call = self.called(node.decorator), node.decorator
        names = [each.value for each in call.args] if isinstance(call, cst.Call) else []
        if full not in _REQUIRES or not all(
            isinstance(each, cst.Name) and each.value in self.classes for each in names
        ):
            self._refuse(node, full or "@", "Call the decorator's function yourself.")
            return
        above = [each.value for each in names if isinstance(each, cst.Name)]
        self._seen.update(names)
        found.inherits += above
        if full == "luigi.util.requires":
            found.requires += above

    def _read_method(self, found: LuigiClass, node: cst.FunctionDef) -> None:
        name, params = node.name.value, node.params.params
        is_plain = not node.decorators and node.asynchronous is None
        if not is_plain or not params or params[0].name.value != "self":
            self._refuse(node, name, "Methods with a decorator are not rewritten: make it a function of the file.")
        elif name in _OF_LUIGI:
            self._refuse(node, name, _OF_LUIGI[name])
        if name != "output" or not is_nothing(statements(node)):
            found.methods[name] = node

    def _read_attribute(self, found: LuigiClass, statement: cst.CSTNode, name: str, value: cst.BaseExpression) -> None:
        full = self.called(value) or ""
        last = full.rpartition(".")[2]
        if full.startswith("luigi.") and last.endswith("Parameter"):
            assert isinstance(value, cst.Call)
            found.parameters[name] = self._parameter(name, last, value)
        elif name in _NEEDLESS_ATTRIBUTES:
            pass
        elif name in _OPTIONS and isinstance(value, cst.Integer):
            made = int(value.value, 0)
            found.options.append(keyword_of(_OPTIONS[name], str(max(0, made - 1) if name == "retry_count" else made)))
        elif name in _SETTINGS:
            self._refuse(statement, name, _SETTINGS[name])
        else:
            found.constants[name] = cst.ensure_type(statement, cst.SimpleStatementLine)

    def _parameter(self, name: str, kind: str, call: cst.Call) -> cst.Param:
        given = dict(named(call))
        plain = [each.value for each in call.args if each.keyword is None]
        default = given.pop("default", plain[0] if plain else None)
        if default is None and kind in _DEFAULTS:
            default = code(_DEFAULTS[kind])
        hint = self._hint(kind, given, default, call)
        for each in given.keys() - _NEEDLESS:
            self._refuse(call, f"{each}=", "No parameter of a function has that: write what it does in the function.")
        annotation = None if hint is None else cst.Annotation(hint)
        tight = (
            cst.AssignEqual()
            if hint is not None
            else cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        )
        return cst.Param(
            cst.Name(name), annotation, tight if default is not None else cst.MaybeSentinel.DEFAULT, default
        )

    def _hint(
        self, kind: str, given: dict[str, cst.BaseExpression], default: cst.BaseExpression | None, call: cst.Call
    ) -> cst.BaseExpression | None:
        if kind == "ChoiceParameter" and all(is_text_value(each) for each in elements(given.get("choices"))):
            choices = ", ".join(self.code_of(each) for each in elements(given.pop("choices", None)))
            self.theirs.add(("typing", "Literal"))
            return code(f"Literal[{choices}]") if choices else None
        if kind == "EnumParameter" and "enum" in given:
            return given.pop("enum")
        if kind not in _HINTS:
            self._refuse(call, kind, "No type hint is known that means the same.")
            return None
        module, hint = _HINTS[kind]
        if kind == "Parameter" and default is not None and not is_text_value(default):
            return code("str | None") if self.code_of(default) == "None" else None  # Luigi converts no default
        if module:
            self._needs_hint(module, hint)
            hint = f"{module}.{hint}" if self._has_module(module) else hint
        return code(hint)

    def _needs_hint(self, module: str, name: str) -> None:
        if not self._has_module(module):
            self.theirs.add((module, name))

    def _has_module(self, module: str) -> bool:
        return any(self.code_of(each) == module for each in all_of(self.module, cst.ImportAlias))

    # What is in the way

    def _look_at_calls(self, name: str, method: cst.FunctionDef) -> None:
        """See which classes a method calls, and that it uses nothing of `self` that a function has not."""
        own = self.classes[name]
        for call in all_of(method, cst.Call):
            for target in self._called_classes(call):
                self._seen.add(target)
                self.classes[target.value].is_required = True
        bound = variables_of(method) & set(own.own)
        for variable in sorted(bound):
            self._refuse(
                method, variable, f"`{method.name.value}` sets a variable that is called as one of the class's."
            )
        own_attributes = [each for each in all_of(method, cst.Attribute) if is_self(each)]
        known = {id(each.value) for each in own_attributes}
        for one in all_of(method.body, cst.Name):
            if one.value == "self" and id(one) not in known:
                self._refuse(one, "self", "A function has no instance to hand on: hand on what is needed of it.")
        for each in own_attributes:
            if each.attr.value not in {*own.own, "input", "output", "clone"}:
                self._refuse(each, f"self.{each.attr.value}", "A function has no such attribute.")
        if method.name.value != "run" and yields(method) and method.name.value != "requires":
            self._refuse(method, method.name.value, "Only `requires` and `run` may yield tasks.")

    def _called_classes(self, call: cst.Call) -> Iterator[cst.Name]:
        """The classes of this file that a call makes an instance of: `Extract(...)`, `self.clone(Extract)`."""
        if isinstance(call.func, cst.Name) and call.func.value in self.classes:
            yield call.func
        func = call.func
        is_clone = isinstance(func, cst.Attribute) and is_self(func) and func.attr.value == "clone"
        first = call.args[0].value if call.args and call.args[0].keyword is None else None
        if is_clone and isinstance(first, cst.Name) and first.value in self.classes:
            yield first
        elif is_clone:
            self._refuse(call, "self.clone", "Call the task's function, with its arguments.")

    def _look_at_launch(self, statement: cst.CSTNode) -> None:
        for line in all_of(statement, cst.SimpleStatementLine):
            if is_call(line) and self.called(call_of(line)) in LAUNCHES:
                self._look_at_call_of_luigi(call_of(line))

    def _look_at_call_of_luigi(self, call: cst.Call) -> None:
        given = named(call)
        for each in given.keys() - OF_BUILD - {"main_task_cls", "cmdline_args", "tasks"}:
            self._refuse(call, f"{each}=", "Nothing here does the same.")
        if self.called(call) in BUILDS:
            for built in self._built(call):
                if isinstance(built, cst.Call):
                    self._seen.update(self._called_classes(built))
        elif "main_task_cls" in given:
            self._seen.add(given["main_task_cls"])

    def _built(self, call: cst.Call) -> Sequence[cst.BaseExpression]:
        """The instances that are built, or what makes a list of them."""
        first = call.args[0].value if call.args and call.args[0].keyword is None else named(call).get("tasks")
        if isinstance(first, cst.ListComp) and isinstance(first.elt, cst.Call):
            return [first.elt]
        return [*elements(first)]

    def _look_at_uses(self, node: cst.Module) -> None:
        if not self.classes:
            return
        labels = {id(each.attr) for each in all_of(node, cst.Attribute)}
        known = {id(each) for each in self._seen} | {id(each.node.name) for each in self.classes.values()} | labels
        for name in all_of(node, cst.Name):
            if name.value in self.classes and id(name) not in known:
                reason = "Call its function where a task is built or required; nothing else has instances."
                self._refuse(name, name.value, reason)
        launches = {id(call_of(line)) for line in all_of(node, cst.SimpleStatementLine) if is_call(line)}
        for call in all_of(node, cst.Call):
            if self.called(call) in LAUNCHES and id(call) not in launches:
                reason = "A call of a flow raises what failed: there is no success to look at."
                self._refuse(call, "luigi.build", reason)

    def _refuse(self, node: cst.CSTNode, what: str, reason: str) -> None:
        line = self.line_of(node)
        self.findings.append(Finding(line, what, reason, f"{PAGE}#tasks"))

    def code_of(self, node: cst.CSTNode) -> str:
        return self.module.code_for_node(node)
