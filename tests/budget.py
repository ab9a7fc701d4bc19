"""What programs cost by the compiler's own count, beside what they may cost: `budget.json`.

The file has a budget for several minor versions of JAX, as counts differ between them by more than a change of ours.
`python -m tests.budget` accepts the costs of today under the installed version; `python -m tests.budget print` only
prints them.
"""

import json
import sys
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
    *(Program(name, "gradient", 256, 100) for name in ("rank", "sort", "quantile", "top_k")),
    *(Program(name, program, 1000, 10) for name in ("rank", "top_k_mask") for program in ("forward", "gradient")),
    Program("rank", "forward", 256, 100),
    Program("rank of ragged lists", "gradient", 256, 100),
    Program("rank", "gradient", 1, 100_000),
    Program("quantile", "forward", 1, 100_000),
]

#: Those that are measured with and without the compiler tricks of the library.
TRICKED = [Program("rank", "gradient", 256, 100)]


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


def version() -> str:
    """The minor version of JAX, whose budget counts."""
    return ".".join(jax.__version__.split(".")[:2])


def read(path: Path = FILE) -> dict[str, dict[str, dict[str, int]]]:
    """Returns the costs that each program may have, by the minor version of JAX."""
    return json.loads(path.read_text()) if path.exists() else {}


def grown(measured: dict[str, int], budget: dict[str, int]) -> list[str]:
    """What exceeds the budget by more than the tolerance, in words."""
    return [
        f"{name} {measured[name]:,}, budget {allowed:,} ({measured[name] / max(allowed, 1) - 1:+.0%})"
        for name, allowed in budget.items()
        if measured[name] > (1 + TOLERANCE) * allowed
    ]


def accept(programs: list[Program], path: Path = FILE) -> None:
    """Writes what these programs cost with the installed version of JAX."""
    budgets = read(path) | {version(): {str(program): measure(program) for program in programs}}
    path.write_text(json.dumps(dict(sorted(budgets.items(), key=_order)), indent=1) + "\n")


def _order(item: tuple[str, object]) -> list[int]:
    return [int(part) for part in item[0].split(".")]


if __name__ == "__main__":
    if sys.argv[1:] == ["print"]:
        print(json.dumps({str(program): measure(program) for program in TRICKED}))
    else:
        accept(LIST)
