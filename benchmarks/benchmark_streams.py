"""Values in chunks."""

from typing import ClassVar

import jax
import numpy as np


class Streams:
    """Normal values in float32, in chunks of 2^20."""

    params: ClassVar[list[int]] = [10**6, 10**7]
    param_names: ClassVar[list[str]] = ["values"]
    timeout = 600
    rounds = 1
    repeat = (3, 10, 5.0)

    def setup_cache(self) -> np.ndarray:
        """Made once."""
        return np.random.default_rng(0).standard_normal(max(self.params), np.float32)

    def setup(self, values: np.ndarray, n: int) -> None:
        try:
            from otsort import streaming
        except ImportError:  # an earlier version
            raise NotImplementedError from None
        self.streaming, self.chunks = streaming, streaming.Chunks(values[:n])
        self.stream = streaming.fit(streaming.Chunks(values[: 2**20]))  # compiles

    def time_fit(self, values: np.ndarray, n: int) -> None:
        """Both passes."""
        jax.block_until_ready(self.streaming.fit(self.chunks))

    def time_rank(self, values: np.ndarray, n: int) -> None:
        """Ranks of all values."""
        for chunk in self.chunks:
            jax.block_until_ready(self.stream.rank(chunk))

    def peakmem_fit(self, values: np.ndarray, n: int) -> None:
        """Of the process, JAX included."""
        self.streaming.fit(self.chunks)
