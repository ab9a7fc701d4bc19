"""Every block of code in README and documentation runs, each page as a reader would run it."""

import importlib.util
import multiprocessing

import pytest

from . import pages
from .cases import some

#: Each page has a process of its own, forked from one that has imported the library once for all of them.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["otsort"])


#: The others are run with the slow tests.
QUICK = ["docs/index.rst", "docs/how_to/masks.rst"]


@pytest.mark.parametrize("page", some(pages.PAGES, QUICK))
def test_code_runs(page, tmp_path):
    needs = pages.NEEDS.get(page, [])
    for module in needs:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{page} needs {module}")
    process = PROCESSES.Process(target=pages.run, args=(page, tmp_path, not needs))  # warnings of others are not ours
    process.start()
    process.join()
    assert process.exitcode == 0, f"{page}: see the traceback above"


def test_pages_with_needs_exist():
    assert pages.NEEDS.keys() <= set(pages.PAGES)
