"""Every block of code in README and documentation runs, each page as a reader would run it."""

import os
import subprocess
import sys

import pytest

from . import pages


@pytest.mark.parametrize("page", pages.PAGES)
def test_code_runs(page, tmp_path):
    plain = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    subprocess.run([sys.executable, "-W", "error", "-c", pages.code(page)], cwd=tmp_path, env=plain, check=True)
