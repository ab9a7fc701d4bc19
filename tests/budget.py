"""What programs cost by the compiler's own count, beside what they may cost: `budget.json`.

`python -m tests.budget` accepts the costs of today: it writes the file anew.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.programs import function
from otsort_studies.common.precision import precision

FILE = Path(__file__).with_suffix(".json")
TOLERANCE = 0.1
ACCEPT = "python -m tests.budget"

# Neither changes a count, checked for each program of the list, nor does the number of cores. Set here so that no flag
# from outside does: quick compilation, and the fusions of the default.
_OPTIONS: dict[str, Any] = {"xla_backend_optimization_level": 0}
if jax.__version_info__ < (0, 11):  # later versions know no other
    _OPTIONS["xla_cpu_use_fusion_emitters"] = True


class Program(NamedTuple):
    """An operator or its gradient on lists in float32, with its defaults."""

    operator: str
    program: str
    lists: int
    n: int

    def __str__(self) -> str:
        return f"{self.operator} {self.program} {self.lists} x {self.n}"


#: One operator of each kind on lists of medium length; those that are trained with on short ones and on long ones.
LIST = [
    *(Program(name, "gradient", 256, 100) for name in ("rank", "sort", "sort_by", "quantile", "top_k", "quantize")),
    *(Program(name, program, 1000, 10) for name in ("rank", "top_k_mask") for program in ("forward", "gradient")),
    Program("rank", "forward", 256, 100),
    Program("rank of ragged lists", "gradient", 256, 100),
    Program("rank", "gradient", 1, 100_000),
    Program("quantile", "forward", 1, 100_000),
]


def measure(program: Program) -> dict[str, int]:
    """Flops, bytes, scratch bytes and instructions; loops count once."""
    with precision(np.float32):
        x = jax.ShapeDtypeStruct((program.lists, program.n), jnp.float32)
        lowered = jax.jit(function(program.operator, program.program)).lower(x)
        compiled = lowered.compile(compiler_options=_OPTIONS)
    analysis: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    return {
        "flops": int(analysis["flops"]),
        "bytes accessed": int(analysis["bytes accessed"]),
        "scratch bytes": memory.temp_size_in_bytes,
        "instructions": sum(" = " in line for line in (compiled.as_text() or "").splitlines()),
    }


def environment() -> dict[str, str]:
    """What counts depend on: between versions of JAX they differ by more than a change of ours."""
    return {"jax": jax.__version__, "platform": jax.default_backend()}


def read(path: Path = FILE) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """The environment that a budget holds in, and what each program may cost."""
    held = json.loads(path.read_text())
    return held["environment"], held["programs"]


def grown(measured: dict[str, int], budget: dict[str, int]) -> list[str]:
    """What exceeds the budget by more than the tolerance, in words."""
    return [
        f"{name} {measured[name]:,}, budget {allowed:,} ({measured[name] / max(allowed, 1) - 1:+.0%})"
        for name, allowed in budget.items()
        if measured[name] > (1 + TOLERANCE) * allowed
    ]


def accept(programs: list[Program], path: Path = FILE) -> None:
    """Writes what these programs cost."""
    costs = {str(program): measure(program) for program in programs}
    path.write_text(json.dumps({"environment": environment(), "programs": costs}, indent=1) + "\n")


if __name__ == "__main__":
    accept(LIST)
