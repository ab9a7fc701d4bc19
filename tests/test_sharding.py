"""Sharded arrays: the answers of one device, and x stays where it is. Programs are in `tests/sharded/`."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

slow, ci = pytest.mark.slow, pytest.mark.ci


def run(program, *arguments, devices=4, options=("-W", "error")):
    """Runs a program in a process that has so many devices."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"
    path = pathlib.Path(__file__).parent / "sharded" / program
    subprocess.run([sys.executable, *options, path, *arguments], env=os.environ | {"XLA_FLAGS": flags}, check=True)


@pytest.mark.parametrize(
    ("devices", "operators"), [(8, "2"), pytest.param(4, "6", marks=slow), pytest.param(8, "6", marks=slow)]
)
def test_one_long_list(devices, operators):
    run("one_list.py", operators, devices=devices, options=())


@pytest.mark.skipif(jax.__version_info__ < (0, 7), reason="searchsorted of jax 0.6 does not run within shard_map")
@pytest.mark.parametrize("ways", [pytest.param("some", marks=ci), pytest.param("all", marks=slow)])
def test_a_batch_split_over_devices(ways):
    """Every solver, within `jax.shard_map`, on both kinds of meshes and under `jax.pmap`."""
    run("batch.py", ways)


@pytest.mark.parametrize("combinations", [pytest.param("some", marks=ci), pytest.param("all", marks=slow)])
def test_explicit_meshes_need_not_be_the_current_one(combinations):
    """Where `jnp.sort` works, operators do: eager and compiled, with options that are sharded or not."""
    run("explicit.py", combinations)


@ci
@pytest.mark.skipif(jax.__version_info__ < (0, 7), reason="jax 0.6 knows no current mesh of this kind")
def test_what_is_kept_belongs_to_no_mesh():
    run("two_meshes.py", options=())
