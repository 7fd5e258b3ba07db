"""Small things about the code of Luigi's programs: what a statement is, what a function sets."""

import re
from collections.abc import Collection, Iterator, Sequence
from keyword import iskeyword

import libcst as cst

from perdure._migration.idiom import all_of, assigned, code, keyword, named

KINDS = ("Task", "ExternalTask", "WrapperTask")
OF_BUILD = {"local_scheduler", "log_level", "no_lock", "detailed_summary", "workers", "scheduler_host"}
BUILDS = {"luigi.build", "luigi.interface.build"}
LAUNCHES = BUILDS | {"luigi.run", "luigi.interface.run"}
LOCAL_TARGETS = {f"luigi.{each}LocalTarget" for each in ("", "local_target.", "file.")}


def is_moved(full: str) -> bool:
    last = full.rpartition(".")[2]
    is_ours = last in (*KINDS, "LocalTarget", "build", "run", "requires", "inherits") or last.endswith("Parameter")
    return is_ours or full == "luigi.format.UTF8"


def free_name(name: str, taken: set[str]) -> str:
    made = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    made = first_free((made, f"{made}_task"), taken)
    taken.add(made)
    return made


def first_free(names: Sequence[str], taken: Collection[str]) -> str:
    free = [each for each in names if each not in taken and not iskeyword(each)]
    return free[0] if free else first_free([f"{names[-1]}_"], taken)


def set_by(statement: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """The variable that a statement sets, with a hint or without, and to what."""
    found = assigned(statement)
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    if found is None and isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name) and small.value:
        return small.target.value, small.value
    return found


def is_text(statement: cst.CSTNode) -> bool:
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return isinstance(small, cst.Expr) and is_text_value(small.value)


def is_text_value(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.SimpleString | cst.ConcatenatedString | cst.FormattedString)


def is_pass(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Pass)


def is_self(node: cst.Attribute) -> bool:
    return isinstance(node.value, cst.Name) and node.value.value == "self"


def is_call(line: cst.SimpleStatementLine) -> bool:
    small = line.body[0]
    return len(line.body) == 1 and isinstance(small, cst.Expr) and isinstance(small.value, cst.Call)


def call_of(line: cst.CSTNode) -> cst.Call:
    statement = cst.ensure_type(line, cst.SimpleStatementLine).body[0]
    return cst.ensure_type(cst.ensure_type(statement, cst.Expr).value, cst.Call)


def command_line(call: cst.Call) -> cst.BaseExpression | None:
    plain = [each.value for each in call.args if each.keyword is None]
    return plain[0] if plain else named(call).get("cmdline_args")


def options_of(texts: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Parameters of a command line, `--day 2024-05-01` or `--day=2024-05-01`, without Luigi's own."""
    words = [str(each) for each in texts]
    for place, word in enumerate(words):
        name, equal, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name.replace("-", "_") in OF_BUILD:
            continue
        yield name.replace("-", "_"), value if equal else next(iter(words[place + 1 : place + 2]), "")


class _Variables(cst.CSTVisitor):
    """The variables that a function sets, its parameters among them, but for `x = self.x`."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def _add(self, node: cst.CSTNode | None) -> None:
        if isinstance(node, cst.Name):
            self.names.add(node.value)
        elif isinstance(node, cst.Tuple | cst.List):
            for each in node.elements:
                self._add(each.value)
        elif isinstance(node, cst.StarredElement):
            self._add(node.value)

    def visit_Assign(self, node: cst.Assign) -> None:
        for each in node.targets:
            own = node.value if isinstance(node.value, cst.Attribute) and is_self(node.value) else None
            if own is None or not own.attr.deep_equals(each.target):
                self._add(each.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._add(node.target)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._add(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._add(node.target)

    def visit_For(self, node: cst.For) -> None:
        self._add(node.target)

    def visit_CompFor(self, node: cst.CompFor) -> None:
        self._add(node.target)

    def visit_AsName(self, node: cst.AsName) -> None:
        self._add(node.name)

    def visit_Param(self, node: cst.Param) -> None:
        self._add(node.name)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._add(node.name)


def variables_of(method: cst.FunctionDef) -> set[str]:
    found = _Variables()
    method.params.visit(found)
    method.body.visit(found)
    return found.names - {"self"}


def yields(method: cst.FunctionDef) -> bool:
    return bool(all_of(method, cst.Yield))


def statements(node: cst.FunctionDef) -> list[cst.BaseStatement]:
    """The statements of a function, without what says what it does."""
    if not isinstance(node.body, cst.IndentedBlock):  # `def run(self): pass`
        small = cst.ensure_type(node.body, cst.SimpleStatementSuite).body
        return [cst.SimpleStatementLine([each]) for each in small if not isinstance(each, cst.Pass)]
    body = [each for each in node.body.body if not is_pass(each)]
    return body[1:] if body and is_text(body[0]) else body


def returned(body: Sequence[cst.BaseStatement]) -> cst.BaseExpression | None:
    last = body[-1] if body else None
    small = last.body[0] if isinstance(last, cst.SimpleStatementLine) else None
    return small.value if isinstance(small, cst.Return) else None


def yielded(body: Sequence[cst.BaseStatement]) -> list[cst.BaseExpression]:
    """What is yielded by statements that do nothing else; empty if one of them does."""
    found = []
    for each in body:
        small = each.body[0] if isinstance(each, cst.SimpleStatementLine) else None
        value = small.value.value if isinstance(small, cst.Expr) and isinstance(small.value, cst.Yield) else None
        if not isinstance(value, cst.BaseExpression):
            return []
        found.append(value)
    return found


def is_nothing(body: Sequence[cst.BaseStatement]) -> bool:
    value = returned(body)
    is_empty = isinstance(value, cst.List | cst.Tuple | cst.Dict) and not value.elements
    return len(body) == 1 and (is_empty or (isinstance(value, cst.Name) and value.value == "None"))


def ends_with_return(body: Sequence[cst.BaseStatement]) -> bool:
    return bool(body) and returned(body) is not None


def lines_above(statement: cst.BaseStatement) -> Sequence[cst.EmptyLine]:
    return statement.leading_lines if isinstance(statement, cst.SimpleStatementLine) else ()


def assignment(name: str, value: cst.BaseExpression) -> cst.Assign:
    return cst.Assign([cst.AssignTarget(cst.Name(name))], value)


def keyword_of(name: str, value: "str | cst.BaseExpression") -> cst.Arg:
    return keyword(name, code(value) if isinstance(value, str) else value)


def line_of_code(text: str) -> cst.SimpleStatementLine:
    return cst.ensure_type(cst.parse_statement(text), cst.SimpleStatementLine)


def if_of_code(text: str) -> cst.If:
    return cst.ensure_type(cst.parse_statement(text), cst.If)
