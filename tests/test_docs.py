"""Every block of code in README and documentation runs, each page as a reader would run it."""

import importlib.util
import os
import subprocess
import sys

import pytest

from . import pages


@pytest.mark.parametrize("page", pages.PAGES)
def test_code_runs(page, tmp_path):
    needs = pages.NEEDS.get(page, [])
    for module in needs:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{page} needs {module}")
    warnings = [] if needs else ["-W", "error"]  # those of other packages are not ours
    plain = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    subprocess.run([sys.executable, *warnings, "-c", pages.code(page)], cwd=tmp_path, env=plain, check=True)


def test_pages_with_needs_exist():
    assert pages.NEEDS.keys() <= set(pages.PAGES)
