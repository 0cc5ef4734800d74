"""Small faults, one at a time, in the text of a module: an operator, a number, an order, a filter left out."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
REACHED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMED = {
    "min": "max",
    "max": "min",
    "cum_min": "cum_max",
    "cum_max": "cum_min",
    "min_horizontal": "max_horizontal",
    "max_horizontal": "min_horizontal",
    "cum_sum": "cum_count",
    "sum": "max",
}
#: A call of one of these is left out.
LEFT_OUT = ("filter", "unique", "fill_null", "shift")
JOINED = {"left": "inner", "anti": "semi", "semi": "anti"}
#: Numbers that only spread keys apart; one more changes nothing.
SPREADS = {100, 1000, 10_000, 100_000, 10_000_000, 100_000_000, 99_999}


def variants(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    """Yield each fault that a node can have: what it is, and what makes it on a copy of the node."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARED:
            other = COMPARED[type(operator)]
            yield f"{type(operator).__name__} becomes {other.__name__}", lambda one: _with(one, ops=[other()])
        case ast.BinOp() if type(node.op) in REACHED:
            new = REACHED[type(node.op)]
            yield f"{type(node.op).__name__} becomes {new.__name__}", lambda one: _with(one, op=new())
        case ast.UnaryOp(op=ast.Invert() | ast.USub() | ast.Not()):
            yield f"{type(node.op).__name__} left out", lambda one: one.operand  # type: ignore[attr-defined]
        case ast.Constant(value=bool(value)):
            yield f"{value} becomes {not value}", lambda one: _with(one, value=not value)
        case ast.Constant(value=int(number)) if number not in SPREADS:
            yield f"{number} becomes {number + 1}", lambda one: _with(one, value=number + 1)
            yield f"{number} becomes {number - 1}", lambda one: _with(one, value=number - 1)
        case ast.Call(func=ast.Attribute(attr=name)) if name in LEFT_OUT:
            yield f"{name} left out", lambda one: one.func.value  # type: ignore[attr-defined]
        case ast.Attribute(attr=name) if name in NAMED:
            yield f"{name} becomes {NAMED[name]}", lambda one: _with(one, attr=NAMED[name])
        case ast.keyword(arg="how", value=ast.Constant(value=how)) if how in JOINED:
            yield f"{how} becomes {JOINED[how]}", lambda one: _with(one, value=ast.Constant(JOINED[how]))
        case ast.keyword(arg="order_by", value=ast.List(elts=[_, _, *_])):
            yield "order turned", lambda one: _with(one, value=ast.List(elts=one.value.elts[::-1], ctx=ast.Load()))  # type: ignore[attr-defined]
        case ast.If() | ast.IfExp():
            yield "condition turned", lambda one: _with(one, test=ast.UnaryOp(ast.Not(), one.test))  # type: ignore[attr-defined]


def _with(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


class _Maker(ast.NodeTransformer):
    """Counts the faults that a module can have and makes the ``wanted`` one."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.found: list[tuple[int, str]] = []

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.AnnAssign) and node.value:
            node.value = self.visit(node.value)  # type: ignore[assignment]
            return node
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.arguments)) or _is_for_types(node) or _is_text(node):
            return node
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            kept, node.decorator_list = node.decorator_list, []
            super().generic_visit(node)
            node.decorator_list = kept
            return node
        for what, make in variants(node):
            self.found.append((getattr(node, "lineno", 0), what))
            if len(self.found) - 1 == self.wanted:
                return make(copy.deepcopy(node))
        return super().generic_visit(node)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def mutants(source: str) -> list[tuple[int, str]]:
    """Return every fault that the module's text can be given: its line and what it is."""
    maker = _Maker()
    maker.visit(ast.parse(source))
    return maker.found


def mutated(source: str, number: int) -> str:
    """Return the module's text with one fault."""
    return ast.unparse(ast.fix_missing_locations(_Maker(number).visit(ast.parse(source))))
