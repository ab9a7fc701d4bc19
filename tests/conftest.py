"""Strict settings: x64 on (float32 is tested by casting, and without x64 in test_float32), no silent promotion."""

import gc
import os
from importlib.metadata import version

# The suite compiles thousands of small programs: quick compilation beats quick code. Set before JAX starts, which
# stops at a flag that it does not know. With rarer garbage collection below, this saves a fifth of the suite's time.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1 "
    + (
        "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        if version("jaxlib").startswith("0.9.")
        else "--xla_backend_optimization_level=1"  # at level 0 jaxlib 0.12 trains convolutions to NaN
    ),
)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # tests count what is compiled

import hypothesis
import jax
import pytest

from otsort_studies.common.programs import drop_programs

gc.set_threshold(200_000, 20, 100)  # traces are many objects, few of them garbage

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("default", deadline=None, max_examples=8)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=8, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="module", autouse=True)
def programs_of_a_file():
    """Clears compiled programs after each file, because those of the whole suite would take gigabytes."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def few_programs():
    """Drops what was compiled before it is more pieces of memory than Linux lets a process map, 65 530."""
    yield
    drop_programs()


@pytest.fixture
def without_x64():
    """JAX as it comes: float32 only."""
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)
