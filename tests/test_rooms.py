"""Imports of the library run one way, and CONTRIBUTING lists the rooms that there are."""

import ast
import functools
import importlib
import re
from graphlib import TopologicalSorter

from . import pages

ROOT = pages.ROOT / "src" / "otsort"
PUBLIC = {"images", "losses", "metrics", "nn", "ranking", "segments", "streaming", "__init__"}
#: Each room imports from the levels above its own line alone.
LEVELS = [
    {"_types"},
    {"_xla"},
    {"_checks"},
    {"_transport", "squash"},
    {"_differentiation", "_long_lists"},
    {"_solver"},
    {"_call"},
    {"_operator"},
    PUBLIC - {"__init__"},
    {"__init__"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def modules():
    """Each module as its parts, such as `("_solver", "newton")`, with its file."""
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).with_suffix("").parts, path


def imports(parts, path):
    """The modules that a module imports from the library, as their parts."""
    known = {name for name, _ in modules()}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("otsort") for alias in node.names), f"{path} must import relatively"
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: len(parts) - node.level] + (tuple(node.module.split(".")) if node.module else ())
            for alias in node.names:
                candidates = [(*base, alias.name), base, (*base, "__init__")]
                yield next(candidate for candidate in candidates if candidate in known)


def test_every_room_has_a_level():
    assert {parts[0] for parts, _ in modules()} == LEVEL.keys()


def test_imports_run_one_way():
    wrong = [
        f"{'.'.join(parts)} imports {'.'.join(other)}"
        for parts, path in modules()
        for other in imports(parts, path)
        if parts[0] != other[0] and LEVEL[other[0]] >= LEVEL[parts[0]]
    ]
    assert not wrong


def test_no_cycle_within_a_room():
    graph = {parts: {other for other in imports(parts, path) if other != parts} for parts, path in modules()}
    list(TopologicalSorter(graph).static_order())


def test_files_are_short():
    long = {path.name: lines for _, path in modules() if (lines := len(path.read_text().splitlines())) > 300}
    assert not long


def test_the_life_of_a_call_names_functions_that_exist():
    text = (pages.ROOT / "docs" / "how_to" / "life_of_a_call.rst").read_text()
    names = re.findall(r"``(_\w+\.\w+\.[\w.]+)``", text)
    assert len(names) > 20
    for name in names:
        room, module, *attributes = name.split(".")
        functools.reduce(getattr, attributes, importlib.import_module(f"otsort.{room}.{module}"))


def test_contributing_lists_every_room():
    text = (pages.ROOT / "CONTRIBUTING.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("| `")]
    listed = [name for line in table for name in re.findall(r"`(\w+)(?:/|\.py)`", line.split("|")[1])]
    assert sorted(listed) == sorted(LEVEL.keys() - {"__init__"})
    levels = [LEVEL[name] for name in listed]
    assert levels == sorted(levels, reverse=True), "the table goes from top to bottom"
