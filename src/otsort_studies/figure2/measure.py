"""Figure 2 of Cuturi, Teboul and Vert (2019), point by point."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import otsort

from .._values import values
from .base import AbstractStudy, Case, Report, markdown_table


class Setting(NamedTuple):
    """One pair of curves.

    Attributes:
        panel: its title.
        epsilon: regularisation.
        sweeps: number of them, from the zero potential of the paper.
        m: number of targets.
        weights: of the targets: uniform, random, or quantile, those of equation (4).
    """

    panel: str
    epsilon: float
    sweeps: int
    m: int
    weights: str


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        data, panel, epsilon, sweeps, m, weights: the setting.
        operator: cdf or quantile.
        index: of the point on its curve.
        across: the value, for the cdf, or the level, for the quantiles.
        up: the level, or the value.
        marginal_error: of the plan.
    """

    data: str
    panel: str
    epsilon: float
    sweeps: int
    m: int
    weights: str
    operator: str
    index: int
    across: float
    up: float
    marginal_error: float


@dataclass(frozen=True)
class Figure2(AbstractStudy):
    """S-CDF and S-quantiles under epsilon, the number of sweeps, m and b.

    Attributes:
        data: names of values.
        n: how many of each.
        epsilon: where nothing else is said.
        sweeps: the same.
        tau, t: of equation (4).
        seed: of the values and of random weights.
    """

    title: ClassVar[str] = "Figure 2: the S-CDF and the S-quantiles under their parameters"
    question: ClassVar[str] = (
        "What do the regularisation epsilon, the number of Sinkhorn sweeps, the number m of targets and their weights "
        "b do to the soft CDF and the soft quantiles? Curves as in Figure 2 of Cuturi, Teboul and Vert (2019): "
        "log-domain sweeps from the zero potential, logistic squash, float64, quantiles $P^T x / b$ (Definition 2), "
        "which are wrong where the marginal b is not met. The paper does not give its values; these are ours."
    )
    dtype: ClassVar[str] = "float64"
    row: ClassVar[type] = Point

    data: tuple[str, ...] = ("normal", "diabetes s2")
    n: int = 60
    epsilon: float = 1e-3
    sweeps: int = 10_000
    tau: float = 0.3
    t: float = 0.1
    seed: int = 2

    @classmethod
    def quick(cls) -> "Figure2":
        return cls(n=20)

    def settings(self) -> list[Setting]:
        base = Setting("m = n", self.epsilon, self.sweeps, self.n, "uniform")
        return [
            base,
            *(base._replace(panel="stronger epsilon", epsilon=factor * self.epsilon) for factor in (10, 100, 1000)),
            *(base._replace(panel="fewer sweeps", sweeps=sweeps) for sweeps in (1, 3, 10)),
            base._replace(panel="m = 5", m=5),
            base._replace(panel="random b", weights="random"),
            base._replace(panel="b for one quantile", epsilon=10 * self.epsilon, m=3, weights="quantile"),
        ]

    def cases(self) -> list[Case]:
        return [
            (data, *setting, operator, index)
            for data in self.data
            for setting in self.settings()
            for operator, size in (("cdf", self.n), ("quantile", setting.m))
            for index in range(size)
        ]

    def measure(self, cases: Sequence[Case]) -> Iterator[Point]:
        for (data, *setting), group in itertools.groupby(cases, key=lambda case: case[:-2]):
            x = values(data, self.n, self.seed)
            curves, error = self._solve(x, Setting(*setting))
            for case in group:
                operator, index = case[-2:]
                across, up = curves[operator]
                yield Point(*case, across=float(across[index]), up=float(up[index]), marginal_error=error)

    def _solve(self, x: np.ndarray, setting: Setting) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], float]:
        target = self._target(setting)
        solver = otsort.LogSinkhorn(setting.epsilon, tol=None, max_steps=setting.sweeps, start=otsort.zero_start)
        plan = otsort.solve(jnp.asarray(x), target, solver=solver).plan
        carried = np.asarray(plan.as_matrix()).T @ x / np.asarray(target.weights)
        order, levels = np.argsort(x), np.asarray(target.cumulative)
        curves = {"cdf": (x[order], np.asarray(plan.pull(target.cumulative))[order]), "quantile": (levels, carried)}
        return curves, float(plan.marginal_error())

    def _target(self, setting: Setting) -> otsort.TargetMeasure:
        if setting.weights == "quantile":
            return otsort.TargetMeasure.quantile(self.tau, self.t)
        random = np.random.default_rng(self.seed).dirichlet(np.full(setting.m, 1.0))
        weights = random if setting.weights == "random" else np.ones(setting.m)
        return otsort.TargetMeasure(np.linspace(0, 1, setting.m), weights)

    def report(self, rows: Sequence[Point]) -> Report:
        headers = ["data", "panel", "parameters", "marginal error", "cdf: from exact", "cdf: height"]
        headers += ["quantiles: from exact", "quantiles: outside the data"]
        text = markdown_table([self._line(*curves) for curves in _curves(rows)], headers)
        text = (
            "Largest vertical distances from the exact curves, height of the cdf from its first to its last point, and "
            "how far quantiles leave the data; quantiles in units of the range of the values.\n\n" + text
        )
        return Report(text, {f"figure2-{data.replace(' ', '-')}": self._draw(data, rows) for data in self.data})

    def _line(self, key: tuple[str, Setting], cdf: np.ndarray, quantiles: np.ndarray, error: float) -> list[str]:
        data, setting = key
        x = np.sort(values(data, self.n, self.seed))
        spread = np.ptp(x)
        levels, found = quantiles
        exact = x[np.ceil(levels * self.n - 1e-9).astype(int) - 1]
        numbers = [
            np.max(np.abs(cdf[1] - np.arange(1, self.n + 1) / self.n)),
            np.ptp(cdf[1]),
            np.max(np.abs(found - exact)) / spread,
            max(np.max(found) - x[-1], x[0] - np.min(found), 0) / spread,
        ]
        return [data, setting.panel, _label(setting), f"{error:.1e}", *(f"{number:.3f}" for number in numbers)]

    def _draw(self, data: str, rows: Sequence[Point]) -> tuple[Figure, str]:
        figure = Figure(figsize=(12, 7), layout="constrained")
        panels = dict.fromkeys(setting.panel for setting in self.settings())
        axes = dict(zip(panels, figure.subplots(2, 3).ravel(), strict=True))
        x = np.sort(values(data, self.n, self.seed))
        for panel, place in axes.items():
            place.step(x, np.arange(1, x.size + 1) / x.size, where="post", color="0.8", label="exact")
            place.set(title=panel, xlabel="value", ylabel="level")
        for (name, setting), cdf, quantiles, _ in _curves(rows):
            if name == data:
                (line,) = axes[setting.panel].plot(*cdf, label=_label(setting))
                axes[setting.panel].plot(*quantiles[::-1], ".", color=line.get_color())
        for place in axes.values():
            place.legend(fontsize="x-small", loc="upper left")
        figure.suptitle(f"{data}, n = {self.n}: S-CDF (lines) and S-quantiles (dots)")
        return figure, f"S-CDF (lines) and S-quantiles (dots) of {self.n} values ({data})."


def _curves(rows: Sequence[Point]) -> Iterator[tuple[tuple[str, Setting], np.ndarray, np.ndarray, float]]:
    """Data and setting, both curves (across and up), and the marginal error."""
    for (data, *setting), points in itertools.groupby(rows, key=lambda point: astuple(point)[:6]):
        points = list(points)
        cdf, quantiles = (
            np.asarray([(point.across, point.up) for point in points if point.operator == operator]).T
            for operator in ("cdf", "quantile")
        )
        yield (data, Setting(*setting)), cdf, quantiles, points[0].marginal_error


def _label(setting: Setting) -> str:
    return f"epsilon {setting.epsilon:g}, {setting.sweeps} sweep{'s' * (setting.sweeps > 1)}, m = {setting.m}"
