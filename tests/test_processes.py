"""Several processes: the examples of the documentation, run as a reader would."""

import os
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest

import otsort

from .pages import ROOT

EXAMPLES = ROOT / "docs" / "examples"


def start(name, *arguments, folder):
    command = [sys.executable, "-W", "error", EXAMPLES / name, *map(str, arguments)]
    plain = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    return subprocess.Popen(command, cwd=folder, env=plain, stdout=subprocess.PIPE, text=True)


@pytest.mark.ci
def test_ranks_over_two_processes(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    n = 2**14
    processes = [start("two_processes.py", f"localhost:{port}", 2, k, n, folder=tmp_path) for k in range(2)]
    assert "process 1 of 2" in [process.communicate()[0] for process in processes][1]
    assert [process.returncode for process in processes] == [0, 0]
    parts = [np.random.default_rng(k).standard_normal((2, n // 2), np.float32) for k in range(2)]
    x, weights = np.concatenate(parts, axis=1)
    ranks, pull_back = jax.vjp(otsort.rank, jax.numpy.asarray(x))
    expected = ranks, pull_back(jax.numpy.asarray(weights))[0]
    answers = np.concatenate([np.load(tmp_path / f"answers-{k}.npy") for k in range(2)], axis=1)
    for answer, right in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer, right, rtol=0, atol=5e-5 * np.max(np.abs(right)))


@pytest.mark.slow
def test_a_stream_over_two_workers_of_dask(tmp_path):
    pytest.importorskip("distributed")
    process = start("dask_stream.py", 5, 1000, folder=tmp_path)
    count, *quantiles, mean_rank = map(float, process.communicate()[0].split())
    assert process.returncode == 0
    values = np.concatenate([np.random.default_rng(k).standard_normal(1000, np.float32) for k in range(5)])
    assert count == values.size
    expected = otsort.quantile(values, np.asarray([0.1, 0.5, 0.9], np.float32), solver=otsort.Quadrature())
    np.testing.assert_allclose(quantiles, expected, atol=1e-4)
    np.testing.assert_allclose(mean_rank, (values.size + 1) / 2, rtol=1e-4)
