"""Ranks among values that the workers of a Dask cluster hold.

`python dask_stream.py [CHUNKS [SIZE]]`
"""

import sys

import numpy as np
from dask import bag
from dask.distributed import Client, LocalCluster

import otsort
from otsort.streaming import Moments, Summary

SOLVER = otsort.Quadrature(epsilon=1e-2)


def load(chunk: int, size: int) -> np.ndarray:
    """A part of the values: here made, elsewhere read from a file."""
    return np.random.default_rng(chunk).standard_normal(size, np.float32)


def mean_rank(values: np.ndarray, stream: otsort.streaming.Stream) -> float:
    return float(stream.rank(values).mean())


def main(chunks: int = 8, size: int = 100_000) -> None:
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster, Client(cluster):
        values = bag.from_sequence(range(chunks), npartitions=chunks).map(load, size)
        summary = values.map(Summary.of).fold(Summary.merge).compute()
        stream = values.map(Moments.of, summary, SOLVER).fold(Moments.merge).compute().solve()
        ranks = values.map(mean_rank, stream).compute()
    print(summary.count, *stream.quantile([0.1, 0.5, 0.9]), np.mean(ranks))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
