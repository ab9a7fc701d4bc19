"""Training with checkpoints: the same whether it was interrupted or not, and with which seeds beside it."""

import functools
import json
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.errors import InputError
from otsort_studies.common.learning.bench import Workbench
from otsort_studies.common.learning.classification import BATCH, Classification, cross_entropy, plan
from otsort_studies.common.learning.images import Images
from otsort_studies.common.learning.networks import Convolutions, Dense, Design, Unchanged, convolutional, max_pool
from otsort_studies.common.learning.training import AbstractTask, Network, Plan, in_batches, shuffled, train

from .disk import full

CHECKPOINTS, STRIDE = 3, 4


class Line(AbstractTask):
    """A slope, of which the seed is the true one; that of the seed 99 is too large."""

    parts: dict

    def __init__(self, seed):
        x = jnp.linspace(-1, 1, 12, dtype=jnp.float32)
        y = x * jnp.asarray(1e30 if seed == 99 else seed, x.dtype)
        self.parts = {"train": (x, y), "test": (x[::3], y[::3])}

    def network(self, key):
        return Network(*eqx.nn.make_with_state(Dense)(1, (2,), 0.5, key))

    def loss(self, network, examples, key):
        x, y = examples
        keys = jax.random.split(key, y.size)
        return jnp.mean((jax.vmap(network.model)(x[:, None], keys) - y) ** 2), network.state

    def scores(self, network, examples):
        x, y = examples
        return {"error": jnp.mean((jax.vmap(network.model)(x[:, None]) - y) ** 2)}


@functools.cache
def line_plan(rate=0.1, loops=True):
    scored = {"train": in_batches(12, 5), "test": in_batches(4, 4)}
    return Plan(optax.adam(rate), shuffled(12, 5), CHECKPOINTS, STRIDE, scored, loops)


def lines(seeds, bench=None, **options):
    return train("lines", [*map(Line, seeds)], seeds, line_plan(**options), bench or Workbench())


class Killed(BaseException):
    """As a signal, it is caught nowhere."""


def killing(path, after):
    """A bench on which a training is killed once so many checkpoints are kept."""

    def tell(done, score):
        if done > after:
            raise Killed

    return Workbench(path, tell)


@pytest.mark.parametrize("loops", [True, False])
def test_a_killed_training_ends_as_if_it_had_not_been(loops, tmp_path):
    path = tmp_path / "checkpoint"
    whole = lines([1, 2], loops=loops)
    with pytest.raises(Killed):
        lines([1, 2], killing(path, 1.0), loops=loops)  # at the second of three, of two seeds
    told = []
    found = lines([1, 2], Workbench(path, lambda done, score: told.append(done)), loops=loops)
    assert told == [2]  # only the last one is left
    assert [one.curves for one in found] == [one.curves for one in whole]
    assert [one.outcome for one in found] == [outcome.TRAINED] * 2
    again = lines([1, 2], Workbench(path, lambda done, score: told.append(done)), loops=loops)
    assert told == [2]
    assert [one.curves for one in again] == [one.curves for one in whole]


def test_a_checkpoint_of_another_training_is_not_taken(tmp_path):
    path = tmp_path / "checkpoint"
    lines([5], Workbench(path))
    found = train("other lines", [Line(1)], [1], line_plan(), Workbench(path))
    assert found[0].curves == lines([1])[0].curves
    assert json.loads(path.read_bytes().split(b"\n")[0])["name"] == "other lines"


@pytest.mark.parametrize("lost", [1, 40, -3])
def test_a_training_with_a_damaged_checkpoint_starts_anew(lost, tmp_path):
    path = tmp_path / "checkpoint"
    whole = lines([5], Workbench(path))
    path.write_bytes(path.read_bytes()[:-lost])
    assert [one.curves for one in lines([5], Workbench(path))] == [one.curves for one in whole]


def test_a_checkpoint_that_cannot_be_kept_is_told(tmp_path):
    path = tmp_path / "checkpoint"
    lines([5], Workbench(path))
    kept = path.read_bytes()
    path.unlink()
    for room in (0, 10, len(kept) // 2):
        with pytest.raises(InputError, match=r"cannot write to .*checkpoint \(.*\): free space"), full(room):
            lines([5], Workbench(path))
        assert not list(tmp_path.iterdir())
    path.mkdir()
    with pytest.raises(InputError, match=r"cannot read .*checkpoint \(Is a directory\)"):
        lines([5], Workbench(path))


def test_seeds_side_by_side_are_those_alone():
    together = lines([1, 2, 3])
    for seed, found in zip([1, 2, 3], together, strict=True):
        (alone,) = lines([seed])
        assert found.curves.keys() == alone.curves.keys() == {"loss", "gradient_norm", "train_error", "test_error"}
        for name, curve in found.curves.items():
            np.testing.assert_allclose(curve, alone.curves[name], rtol=1e-4)
    assert together[0].curves != together[1].curves


def test_steps_in_a_loop_are_those_one_by_one():
    loop, steps = lines([2]), lines([2], loops=False)
    for name, curve in loop[0].curves.items():
        np.testing.assert_allclose(curve, steps[0].curves[name], rtol=1e-4)


def test_scores_are_means_over_all_places():
    """Batches of different size count by their size; nothing is dropped out where scores are taken."""
    (found,) = lines([2], rate=0.0)
    network = Line(2).network(jax.random.key(2))
    still = Network(eqx.nn.inference_mode(network.model), network.state)
    error = Line(2).scores(still, Line(2).parts["train"])["error"]
    np.testing.assert_allclose(found.curves["train_error"], float(error), rtol=1e-5)


def test_a_training_that_is_not_finite_is_told():
    good, bad = lines([1, 99], rate=0.01)
    assert good.outcome == outcome.TRAINED
    assert bad.outcome == outcome.NOT_FINITE
    assert good.curves["test_error"] == pytest.approx(lines([1], rate=0.01)[0].curves["test_error"], rel=1e-4)


def test_every_example_is_met_once_an_epoch():
    batches = shuffled(13, 4)
    for epoch in range(2):
        met = np.concatenate([batches(7, 3 * epoch + step) for step in range(3)])
        assert len(set(met.tolist())) == 12
    assert not np.array_equal(batches(7, 0), batches(7, 3))
    assert not np.array_equal(batches(7, 0), batches(8, 0))
    assert [places.tolist() for places in in_batches(5, 2)] == [[0, 1], [2, 3], [4]]


def test_shapes_of_the_network():
    """Norms get the shapes of what they norm, and two poolings halve height and width twice."""
    shapes = []

    def norm(shape):
        shapes.append(shape)
        return Unchanged()

    network, state = eqx.nn.make_with_state(Convolutions)(
        (3, 8, 12), Design((4, 4, 6, 6), 5), 7, norm, jax.random.key(0)
    )
    out, _ = network(jnp.ones((3, 8, 12), jnp.float32), state)
    assert (out.shape, out.dtype) == ((7,), jnp.float32)
    assert shapes == [(4, 8, 12), (4, 8, 12), (6, 4, 6), (6, 4, 6), (5,)]
    assert network.hidden.weight.shape == (5, 6 * 2 * 3)


def test_first_weights_keep_the_size_of_values():
    begin = eqx.nn.make_with_state(Convolutions)
    network, _ = begin((16, 8, 8), Design((64, 64), 64), 10, Unchanged.of, jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (16, 8, 8), jnp.float32)
    inside = network.convolutions[0](x)[:, 1:-1, 1:-1]
    assert float(jnp.std(inside)) == pytest.approx(1, rel=0.1)


def test_max_pool():
    x = jnp.arange(24.0).reshape(1, 4, 6)
    np.testing.assert_array_equal(max_pool(x)[0], [[7, 9, 11], [19, 21, 23]])


@pytest.mark.parametrize("logit", [0.0, np.nan])
def test_a_network_that_says_nothing_gets_nothing(logit):
    pictures, labels = np.zeros((10, 1, 2, 2), np.uint8), np.arange(10, dtype=np.int32)
    task = Classification(
        Images(dict.fromkeys(("train", "test"), (pictures, labels)), "made"), cross_entropy, Unchanged.of
    )
    silent = Network(lambda x, state: (jnp.full(10, logit, jnp.float32), state), None)
    scores = task.scores(silent, task.parts["test"])
    assert (scores["accuracy"], scores["top_5"]) == (0, 0)


def test_pictures_are_learnt():
    """Two kinds of pictures that differ in brightness, with norms of batches."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 40).astype(np.int32)
    bright = (100 * labels[:, None, None, None] + rng.integers(0, 100, (40, 1, 4, 4))).astype(np.uint8)
    data = Images({"train": (bright[:30], labels[:30]), "test": (bright[30:], labels[30:])}, "made")
    norm = lambda shape: eqx.nn.BatchNorm(shape[0], BATCH, dtype=jnp.float32, mode="batch", momentum=0.5)
    begin = convolutional((1, 4, 4), Design((2, 2), 4), 10, norm)
    assert begin is convolutional((1, 4, 4), Design((2, 2), 4), 10, norm)  # so that nothing is compiled anew
    how = plan(SimpleNamespace(batch=10, checkpoints=2, stride=30, scored=20), data, optax.adam(0.02))
    (found,) = train("bright", [Classification(data, cross_entropy, begin)], [0], how, Workbench())
    assert found.curves["train_accuracy"][-1] > 0.9
    assert found.curves["test_accuracy"][-1] > 0.7
    assert set(found.curves["test_top_5"]) <= {0, *np.linspace(0, 1, 11)}
    assert found.curves["test_loss"] == found.curves["test_cross_entropy"]
