"""The short selection of benchmarks at the versions that a history is told of, one after the other.

`python benchmarks/scripts/history.py [--all] [COMMIT ...]` with the extra `bench`: about five minutes for a version on
two cores, with `--all` every benchmark and an hour; without commits the versions below and the one that is checked out.
asv builds each in one environment, whose JAX `asv.conf.json` names. What is measured already is not measured again.
Results are in `benchmarks/results`, a folder for each device: commit them, the documentation draws them. With
`JAX_PLATFORMS=cuda` and a JAX that has it, the same on a GPU.
"""

import argparse
import platform
import re
import subprocess
import sys
from pathlib import Path

import jax
from asv.machine import Machine, MachineCollection

FOLDER = Path(__file__).parent.parent
#: 0.1; fewer operations a step; long lists by Quadrature; the studies.
COMMITS = ("9e6f0f6", "b580a94", "87cac6a", "c057c77")


def machine() -> dict[str, str]:
    """As asv describes it, under the name of the device that JAX computes on."""
    found = {name: str(value) for name, value in Machine.get_defaults().items()}
    device = jax.devices()[0]
    kind = f"{found['cpu']} x {found['num_cpu']}" if device.platform == "cpu" else device.device_kind
    return {**found, "os": platform.system(), "machine": re.sub(r"[^\w.]+", "-", kind).strip("-")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every benchmark, not the short selection")
    parser.add_argument("commits", nargs="*", default=(*COMMITS, "HEAD"))
    asked = parser.parse_args()
    here = machine()
    MachineCollection.save(here["machine"], here)
    config = "asv.conf.json" if jax.default_backend() == "cpu" else "asv.cuda.conf.json"
    selection = () if asked.all else ("--bench", "benchmark_short")
    command = ("run", "--config", config, "--machine", here["machine"], "--skip-existing", *selection, "HASHFILE:-")
    subprocess.run(
        [sys.executable, "-m", "asv", *command], cwd=FOLDER, input="\n".join(asked.commits), text=True, check=True
    )


if __name__ == "__main__":
    main()
