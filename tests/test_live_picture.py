"""The live picture of the tutorial, in a headless browser: its numbers are those of the library."""

import json
import pathlib
import re
import shutil
import subprocess

import jax
import numpy as np
import pytest

import otsort

SCRIPT = pathlib.Path(__file__).parent.parent / "docs" / "_static" / "five_numbers.js"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
X = np.array([1.0, 5.0, 4.0, 8.0, 12.0])


def in_browser(folder, body):
    """Loads a page with the script and returns the text of its element `answer`, or the whole page."""
    page = folder / "page.html"
    page.write_text(f'<html><body>{body[0]}<script src="{SCRIPT.as_uri()}"></script>{body[1]}</body></html>')
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.ci
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("epsilon", [0.003, 0.01, 0.3])
def test_the_numbers_are_those_of_the_library(tmp_path, epsilon):
    given = json.dumps(X.tolist())
    answer = (
        f"const x = {given}, plan = FiveNumbers.shares(x, {epsilon});"
        f"const all = [FiveNumbers.ranks(plan), FiveNumbers.sorted(plan, x), FiveNumbers.gradient(x, {epsilon}, 1)];"
        "document.getElementById('answer').textContent = JSON.stringify(all);"
    )
    page = in_browser(tmp_path, ('<p id="answer"></p>', f"<script>{answer}</script>"))
    ranks, values, slopes = json.loads(re.search(r'<p id="answer">(.*?)</p>', page)[1])
    np.testing.assert_allclose(ranks, otsort.rank(X, epsilon=epsilon), atol=1e-3)
    np.testing.assert_allclose(values, otsort.sort(X, epsilon=epsilon), atol=1e-3)
    jacobian = jax.jacobian(lambda x: otsort.rank(x, epsilon=epsilon))(X)
    np.testing.assert_allclose(slopes, jacobian[:, 1], atol=1e-3)


@pytest.mark.ci
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_the_picture_is_drawn(tmp_path):
    page = in_browser(tmp_path, ('<div id="five-numbers"></div>', ""))
    assert page.count("<circle") == 5
    assert page.count("<line") == 25
    assert "Derivatives of the five ranks in the red number, 5.0:" in page


def test_without_the_element_nothing_is_drawn():
    """The script fills one element, which the tutorial has."""
    tutorial = (SCRIPT.parent.parent.parent / "tutorials" / "plot_five_numbers.py").read_text()
    assert 'id="five-numbers"' in tutorial
    assert 'getElementById("five-numbers")' in SCRIPT.read_text()
    assert len(SCRIPT.read_text().splitlines()) <= 200
