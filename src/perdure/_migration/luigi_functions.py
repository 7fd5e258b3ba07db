"""Luigi's task classes as functions, which do what Luigi does with an instance, in its order.

If the output is there, nothing; else what `requires` names, and then `run`:

    class Total(luigi.Task):                                @flow
        day = luigi.DateParameter()                         def total(day: datetime.date):
                                                                output = LocalTarget(f"{day}.txt")
        def requires(self):                                     if output.exists():
            return Extract(self.day)                                return output
                                                                inputs = extract(day)
        def output(self):                                       with output.open("w") as file:
            return luigi.LocalTarget(f"{self.day}.txt")             ...
                                                                return output
        def run(self):
            with self.output().open("w") as file:
                ...

A class that no other one requires is a flow, the others are tasks. All classes of a file are rewritten or none, since
they call each other: then each thing that is in the way is listed by its line.
"""

from collections.abc import Collection, Sequence

import libcst as cst

from perdure._migration.idiom import all_of, elements, named
from perdure._migration.luigi_classes import PAGE, LuigiClass, LuigiReader
from perdure._migration.luigi_nodes import (
    BUILDS,
    LAUNCHES,
    LOCAL_TARGETS,
    assignment,
    call_of,
    command_line,
    ends_with_return,
    first_free,
    if_of_code,
    is_call,
    is_moved,
    is_nothing,
    is_self,
    keyword_of,
    line_of_code,
    lines_above,
    options_of,
    returned,
    statements,
    variables_of,
    yielded,
    yields,
)
from perdure._migration.rules import Finding

__all__ = ["Luigi"]

_TARGETS = "perdure.integrations.luigi"


class Luigi(LuigiReader):
    """Task classes become functions; what is built is called; targets are files of the same names."""

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> "cst.ClassDef | cst.FunctionDef":
        found = self.classes.get(original_node.name.value)
        return updated_node if found is None else self._function(found)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> "cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]":
        call = call_of(original_node) if is_call(original_node) else None
        if call is None or not self.classes or self.called(call) not in LAUNCHES:
            return updated_node
        made = self._calls_of_build(call) if self.called(call) in BUILDS else self._calls_of_run(call)
        lines = [cst.SimpleStatementLine([cst.Expr(each)]) for each in made] or [cst.SimpleStatementLine([cst.Pass()])]
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> "cst.ImportFrom | cst.RemovalSentinel":
        module = "" if original_node.module is None else self.code_of(original_node.module)
        if not self.classes or not f"{module}.".startswith("luigi.") or isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        left = [each for each in updated_node.names if not is_moved(f"{module}.{self.code_of(each.name)}")]
        if not left:
            return cst.RemoveFromParent()
        last = left[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return updated_node.with_changes(names=[*left[:-1], last])

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        return self.as_target(original_node, updated_node) if self.classes else updated_node

    def as_target(self, original: cst.Call, updated: cst.Call) -> cst.Call:
        """A call that makes a target, as one of ours; others as they are."""
        if self.called(original) not in LOCAL_TARGETS:
            return updated
        self.theirs.add((_TARGETS, "LocalTarget"))
        args = [each for each in updated.args if each.keyword is None or each.keyword.value != "format"]
        last = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in args[-1:]]
        return updated.with_changes(func=cst.Name("LocalTarget"), args=[*args[:-1], *last])

    def called_function(self, name: str, args: Sequence[cst.Arg]) -> cst.Call:
        """A call of the function that a class has become."""
        found = self.classes[name]
        if not found.is_ordered:
            names = list(found.parameters)
            args = [
                arg if arg.keyword is not None or arg.star else keyword_of(names[place], arg.value)
                for place, arg in enumerate(args)
            ]
        return cst.Call(cst.Name(found.function), args)

    def cloned(self, name: str, own: Collection[str], args: Sequence[cst.Arg]) -> cst.Call:
        """A call of another class's function with the parameters that both have, and those that are given."""
        given = {arg.keyword.value for arg in args if arg.keyword is not None}
        shared = [each for each in self.classes[name].parameters if each in own and each not in given]
        plain = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in args]
        return cst.Call(
            cst.Name(self.classes[name].function), [*(keyword_of(each, cst.Name(each)) for each in shared), *plain]
        )

    def is_class(self, node: cst.BaseExpression) -> bool:
        """Whether it names a class that becomes a function."""
        return isinstance(node, cst.Name) and node.value in self.classes

    def _calls_of_build(self, call: cst.Call) -> Sequence[cst.BaseExpression]:
        workers = named(call).get("workers")
        if workers is not None and self.code_of(workers) != "1":
            line = self.line_of(call)
            reason = "What is required runs one after the other: `.submit(…)` in its place runs at the same time."
            self.findings.append(Finding(line, "workers=", reason, f"{PAGE}#running"))
        first = call.args[0].value if call.args and call.args[0].keyword is None else named(call)["tasks"]
        body = _Body(self, None, "", ("", ""))
        made = [first] if isinstance(first, cst.ListComp) else elements(first)
        return [cst.ensure_type(each.visit(body), cst.BaseExpression) for each in made]

    def _calls_of_run(self, call: cst.Call) -> Sequence[cst.BaseExpression]:
        """The call that a command line stands for, if it is written here; else how to run it is said."""
        given = named(call)
        texts = [each.evaluated_value for each in elements(command_line(call)) if isinstance(each, cst.SimpleString)]
        main = given.get("main_task_cls")
        roots = [each for each in self.classes.values() if not each.is_required]
        if isinstance(main, cst.Name):
            found = self.classes[main.value]
        elif texts and str(texts[0]) in self.classes:
            found = self.classes[str(texts[0])]
            texts = texts[1:]
        else:
            found = roots[0] if len(roots) == 1 else _any_class()
        options = {} if not texts else dict(options_of(texts))
        needed = [name for name, each in found.parameters.items() if each.default is None and name not in options]
        if not texts:
            line = self.line_of(call)
            said = "".join(f" --param {each}=…" for each in needed)
            reason = f"The command line is `perdure run FILE.py:{found.function}{said}`."
            self.findings.append(Finding(line, "luigi.run", reason, f"{PAGE}#running"))
        if found.function == "FLOW" or needed:
            return []
        return [cst.Call(cst.Name(found.function), [keyword_of(name, repr(value)) for name, value in options.items()])]

    def _function(self, found: LuigiClass) -> cst.FunctionDef:
        bound = {name for method in found.methods.values() for name in variables_of(method)} | {*found.own}
        names = (first_free(("output", "target"), bound), first_free(("inputs", "required"), bound))
        made = {name: _Body(self, found, name, names) for name in found.methods}
        bodies = {
            name: statements(cst.ensure_type(node.visit(made[name]), cst.FunctionDef))
            for name, node in found.methods.items()
        }
        uses_inputs = any(each.uses_inputs for each in made.values())
        body: list[cst.BaseStatement] = [] if found.doc is None else [found.doc]
        plain = _Body(self, found, "", names)
        body += [cst.ensure_type(each.visit(plain), cst.SimpleStatementLine) for each in found.constants.values()]
        body += [self._helper(found.methods[each], bodies[each]) for each in found.helpers]
        if "output" in found.methods:
            first, *others = self._set(names[0], found.methods["output"], bodies["output"])
            gap = [cst.EmptyLine(indent=False)] if found.helpers else first.leading_lines  # type: ignore[attr-defined]
            body += [first.with_changes(leading_lines=gap), *others]
            body += self._looked_for(found, names[0])
        body += self._required(found, names[1], bodies.get("requires", []), uses_inputs)
        body += bodies.get("run", [])
        if "output" in found.methods and not ends_with_return(body):
            body.append(line_of_code(f"return {names[0]}"))
        return self._defined(found, body or [line_of_code("pass")])

    def _defined(self, found: LuigiClass, body: Sequence[cst.BaseStatement]) -> cst.FunctionDef:
        kind = "task" if found.is_required else "flow"
        self.needed.add(kind)
        decorator = cst.Name(kind) if not found.options else cst.Call(cst.Name(kind), found.options)
        params = list(found.parameters.values())
        given = (
            cst.Parameters(params)
            if found.is_ordered
            else cst.Parameters(star_arg=cst.ParamStar(), kwonly_params=params)
        )
        return cst.FunctionDef(
            cst.Name(found.function),
            given,
            cst.IndentedBlock(body),
            [cst.Decorator(decorator)],
            leading_lines=found.node.leading_lines,
        )

    def _helper(self, node: cst.FunctionDef, body: Sequence[cst.BaseStatement]) -> cst.FunctionDef:
        params = node.params.with_changes(params=node.params.params[1:])
        return node.with_changes(params=params, body=cst.IndentedBlock(body))

    def _set(self, name: str, node: cst.FunctionDef, body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
        """What sets a variable to what a method returned: its statements, or a function with them that is called."""
        if tasks := yielded(body):
            return [cst.SimpleStatementLine([assignment(name, cst.List([cst.Element(each) for each in tasks]))])]
        value = returned(body)
        if value is not None and len(all_of(node, cst.Return)) == 1 and not yields(node):
            line = cst.SimpleStatementLine([assignment(name, value)], leading_lines=lines_above(body[-1]))
            return [*body[:-1], line]
        call = f"list({node.name.value}())" if yields(node) else f"{node.name.value}()"
        inner = node.with_changes(params=cst.Parameters(), body=cst.IndentedBlock(body))
        return [inner, line_of_code(f"{name} = {call}")]

    def _looked_for(self, found: LuigiClass, name: str) -> list[cst.BaseStatement]:
        """What ends the function where the output is there; or, of what others make, where it is not."""
        values = [each.value for each in all_of(found.methods["output"], cst.Return)]
        is_there = f"{name}.exists()"
        if values and isinstance(values[0], cst.List | cst.Tuple | cst.ListComp | cst.GeneratorExp):
            is_there = f"all(each.exists() for each in {name})"
        elif values and isinstance(values[0], cst.Dict | cst.DictComp):
            is_there = f"all(each.exists() for each in {name}.values())"
        if found.kind == "ExternalTask" and "run" not in found.methods:
            said = f'raise FileNotFoundError(f"{{{name}}} is not there, and nothing here makes it.")'
            return [if_of_code(f"if not {is_there}:\n    {said}\n")]
        return [if_of_code(f"if {is_there}:\n    return {name}\n")]

    def _required(
        self, found: LuigiClass, name: str, body: Sequence[cst.BaseStatement], is_used: bool
    ) -> list[cst.BaseStatement]:
        calls = [self.cloned(each, found.parameters, ()) for each in found.requires]
        if calls:
            called: cst.BaseExpression = (
                calls[0] if len(calls) == 1 else cst.List([cst.Element(each) for each in calls])
            )
            lines: list[cst.BaseStatement] = [cst.SimpleStatementLine([assignment(name, called)])]
        elif not body or is_nothing(body):
            return []
        else:
            lines = self._set(name, found.methods["requires"], body)
        last = lines[-1]
        if is_used or not isinstance(last, cst.SimpleStatementLine):
            return lines
        value = cst.ensure_type(last.body[0], cst.Assign).value  # nobody looks at what they give
        each = elements(value) or [value]
        plain = [cst.SimpleStatementLine([cst.Expr(one)]) for one in each]
        return [*lines[:-1], plain[0].with_changes(leading_lines=last.leading_lines), *plain[1:]]


def _any_class() -> LuigiClass:
    """What stands for a class that the command line names."""
    return LuigiClass(cst.ClassDef(cst.Name("_"), cst.IndentedBlock([])), "", "FLOW")


class _Body(cst.CSTTransformer):
    """The statements of a method, in a function: `self.x` is `x`, and instances of tasks are calls."""

    def __init__(self, luigi: Luigi, own: LuigiClass | None, method: str, names: tuple[str, str]) -> None:
        super().__init__()
        self._luigi, self._own, self._method = luigi, own, method
        self._output, self._inputs = names
        self._depth = 0  # of functions
        self.uses_inputs = False

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._depth += 1

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self._depth -= 1
        return updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        is_own = self._own is not None and is_self(original_node) and original_node.attr.value in self._own.own
        return updated_node.attr if is_own else updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        func = original_node.func
        if self._luigi.is_class(func):
            return self._luigi.called_function(cst.ensure_type(func, cst.Name).value, updated_node.args)
        if not isinstance(func, cst.Attribute) or not is_self(func) or self._own is None:
            return self._luigi.as_target(original_node, updated_node)
        if func.attr.value == "clone":
            name = cst.ensure_type(original_node.args[0].value, cst.Name).value
            return self._luigi.cloned(name, self._own.parameters, updated_node.args[1:])
        if func.attr.value == "input":
            self.uses_inputs = True
            return cst.Name(self._inputs)
        return cst.Name(self._output) if func.attr.value == "output" else updated_node

    def leave_Yield(self, original_node: cst.Yield, updated_node: cst.Yield) -> cst.BaseExpression:
        if self._method != "run" or self._depth > 1 or not isinstance(updated_node.value, cst.BaseExpression):
            return updated_node
        return updated_node.value

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return:
        is_own = self._method == "run" and self._depth == 1
        if not is_own or self._own is None or "output" not in self._own.methods:
            return updated_node
        space = cst.SimpleWhitespace(" ")
        return updated_node.with_changes(value=cst.Name(self._output), whitespace_after_return=space)
