"""Every public name is in the reference with an example, and the examples are true as a user runs them: in float32."""

import doctest
import inspect
import re

import jax
import numpy as np
import pytest

import otsort

from . import pages

MODULES = [otsort] + [module for name, module in vars(otsort).items() if name[0] != "_" and inspect.ismodule(module)]
NAMES = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if name[0] != "_" and getattr(value, "__module__", "").startswith(module.__name__)
}
DOCSTRINGS = {name: value.__doc__ for name, value in NAMES.items()} | {
    f"{name}.{member}": attribute.__doc__
    for name, value in NAMES.items()
    for member, attribute in vars(value).items()
    if inspect.isclass(value) and (inspect.isroutine(attribute) or isinstance(attribute, property))
}
EXAMPLES = {name: docstring for name, docstring in DOCSTRINGS.items() if ">>> " in (docstring or "")}
ELSEWHERE = ":doc:`/how_to/extending`"  # abstract classes: what is made of them


@pytest.fixture
def as_it_comes(without_x64):
    """JAX without any setting."""
    with np.printoptions(), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.ci] if place % 6 else []) for place, name in enumerate(EXAMPLES)]
)
def test_example_is_true(name, as_it_comes):
    names = {}
    exec(pages.code("docs/api/index.rst"), names)
    example = doctest.DocTestParser().get_doctest(EXAMPLES[name], names, name, None, None)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report = []
    assert runner.run(example, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("name", NAMES)
def test_has_an_example(name):
    abstract = inspect.isabstract(NAMES[name]) or getattr(NAMES[name], "__abstractvars__", ())
    assert ELSEWHERE in DOCSTRINGS[name] if abstract else name in EXAMPLES


def test_reference_has_every_name_once():
    directive = re.compile(r"^\.\. (currentmodule|autoclass|autofunction|py:data):: (\S+)", re.MULTILINE)
    documented, module = [], ""
    for page in sorted((pages.ROOT / "docs" / "api").glob("*.rst")):
        for kind, name in directive.findall(page.read_text()):
            if kind == "currentmodule":
                module = name
            else:
                documented.append(f"{module}.{name}")
    assert sorted(documented) == sorted(NAMES)


def test_sources_are_in_the_bibliography():
    source = re.compile(r"([A-Z]\w+)(?:\s+et al\.|(?:,\s+[A-Z]\w+)*(?:\s+and\s+[A-Z]\w+)?),?\s+\(?((?:19|20)\d\d)\)")
    files = [*(pages.ROOT / "src" / "otsort").rglob("*.py"), *(pages.ROOT / "docs" / "how_to").glob("*.rst")]
    sources = {name.lower() + year for path in files for name, year in source.findall(path.read_text())}
    listed = set(re.findall(r"^@\w+\{(\w+),", (pages.ROOT / "docs" / "references.bib").read_text(), re.MULTILINE))
    assert {"cuturi2019", "rousseeuw1984", "chan1979"} <= sources <= listed
