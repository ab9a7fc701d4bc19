"""The code in README and documentation."""

import os
import pathlib
import re
import sys
import textwrap
import warnings

ROOT = pathlib.Path(__file__).parent.parent
_FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)


def code(page: str) -> str:
    """All Python blocks of a page, in their order, as one program."""
    blocks = (_FENCED if page.endswith(".md") else _DIRECTIVE).findall((ROOT / page).read_text() + "\n")
    return "\n\n".join(map(textwrap.dedent, blocks))


def run(page: str, folder: pathlib.Path, strict: bool) -> None:
    """Runs the code of a page in a folder; strict: warnings are errors."""
    os.chdir(folder)
    if strict:
        warnings.simplefilter("error")
    exec(compile(code(page), page, "exec"), {"__name__": "__main__"})


#: Those with code; reports of studies, tutorials and the gallery are run elsewhere.
PAGES = [
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.rst")), *sorted((ROOT / "docs").rglob("*.md"))]
    if not {"studies", "tutorials", "gallery", "_build", "generated"} & set(path.parts)
    and code(str(path.relative_to(ROOT)))
]

#: What a page needs beside the tests' packages: where a module is missing, the page is not run.
NEEDS = {
    "docs/migration/ott.rst": ["ott"],
    "docs/migration/softjax.rst": ["softjax"],
    "docs/migration/torchsort.rst": ["torch", "torchsort", "fast_soft_sort"],
    "docs/migration/soft_sort.rst": ["tensorflow", "soft_sort"],
}

if __name__ == "__main__":  # python -m tests.pages PAGE | python
    print(code(sys.argv[1]))
