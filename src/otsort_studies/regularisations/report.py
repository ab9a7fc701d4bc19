"""Writes the report that compares quadratic with entropic regularisation."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.figure import Figure

from ..common.learning.summary import spread
from ..common.outcome import CONVERGED, TRAINED
from ..common.report import Report, markdown_table, number
from ..common.significance import LEVEL, is_beyond, p_value
from .study import ENTROPIC, EXACT, FROZEN, MIXTURES, QUADRATIC, REGULARISATIONS, SCORES, SOFT_GATES, Regularisations


def report(study: Regularisations, frames: dict[str, pl.DataFrame]) -> Report:
    """Says how many exact zeros there are, what they cost, and whether models learn better with them."""
    plans, trainings, gates = frames["plan"], frames["training"], frames["gate"]
    lessons = {task: _Chosen.all_of(trainings.filter(pl.col("task") == task), "regularisation") for task in study.tasks}
    mixtures = {task: _Chosen.all_of(gates.filter(pl.col("task") == task), "gate") for task in study.mixtures}
    parts = [
        _summary(study, plans, lessons),
        f"**Plans.** {_of_plans(study, plans)}",
        _plan_table(plans),
        "**Trainings.** A difference counts as clear if the p-value of an exact sign-flip test over the seeds is below "
        f"{LEVEL:g}, divided by the number of tasks.\n\n{_of_trainings(lessons)}",
        _training_table(lessons),
        "**Gates.** *Experts in use* are those that get more than half of the weight of some test example. Weights of "
        f"entropic gates are zero where they are too small for float32.\n\n{_of_gates(mixtures)}",
        _gate_table(mixtures),
        _zeros_table(study, gates),
    ]
    figures = {
        "regularisations-plans": _draw_plans(study, plans),
        "regularisations-trainings": _draw_trainings(study, trainings),
    }
    return Report("\n\n".join(filter(None, parts)), figures)


def _summary(study: Regularisations, plans: pl.DataFrame, lessons: dict[str, dict[str, "_Chosen"]]) -> str:
    """Says in short how many entries are not zero, what that costs, and whether models learn better."""
    found = plans.filter(pl.col("outcome") == CONVERGED)
    said = []
    if plans.height and found.height == plans.height:
        n, epsilon, largest = max(study.sizes), min(study.epsilons), max(study.epsilons)
        here, there = (found.filter(n=n, epsilon=of, regularisation=QUADRATIC) for of in (epsilon, largest))
        said += [
            f"With {n} values, {_percent(here['support'].mean())} of the entries of a quadratic plan are above zero if "
            f"epsilon = {epsilon:g}, and {_percent(there['support'].mean())} if epsilon = {largest:g} (means over the "
            "data).",
            f"`SparseNewton` takes {number(_ratio(found, 'seconds'), '.1f')} times as long as `Newton`, in the median.",
        ]
    trained = [of for of in lessons.values() if all(one.trained for one in of.values())]
    if trained:
        differences = [of[QUADRATIC].test - of[ENTROPIC].test for of in trained]
        clear = [difference.mean() > 0 for difference in differences if is_beyond(difference, len(lessons))]
        said.append(
            f"Trained models are clearly better with quadratic regularisation in {sum(clear)} of {len(trained)} tasks, "
            f"and clearly worse in {len(clear) - sum(clear)}."
        )
    return " ".join(said)


class _Chosen(NamedTuple):
    """The trainings of a kind at its best epsilon.

    Attributes:
        epsilon: the best epsilon.
        rows: rows of all seeds.
    """

    epsilon: float
    rows: pl.DataFrame

    @classmethod
    def all_of(cls, rows: pl.DataFrame, column: str) -> dict[str, "_Chosen"]:
        """Chooses, for each name in the column, the epsilon with the best mean validation score over all seeds."""
        found: dict[str, _Chosen] = {}
        for (name,), of in rows.group_by(column, maintain_order=True):
            each = [_Chosen(epsilon, at) for (epsilon,), at in of.group_by("epsilon", maintain_order=True)]
            found[str(name)] = max(each, key=lambda one: (one.trained, one.column("validation").mean()))
        return found

    @property
    def trained(self) -> bool:
        """Returns whether the trainings of all seeds succeeded."""
        return set(self.rows["outcome"]) == {TRAINED}

    def column(self, name: str) -> Float[np.ndarray, " seeds"]:
        return self.rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    @property
    def test(self) -> Float[np.ndarray, " seeds"]:
        return self.column("test")


def _of_plans(study: Regularisations, plans: pl.DataFrame) -> str:
    found = plans.filter(pl.col("outcome") == CONVERGED)
    if missed := plans.height - found.height:
        return f"{missed} of {plans.height} solves did not converge or raised an error."
    n = max(study.sizes)
    largest = found.filter(pl.col("n") == n)
    sparse, dense = (largest.filter(pl.col("regularisation") == name) for name in (QUADRATIC, ENTROPIC))
    steps = {name: found.filter(pl.col("regularisation") == name)["steps"] for name in REGULARISATIONS}
    return (
        f"With {n} values, {_percent(sparse['support'].min())} to {_percent(sparse['support'].max())} of the entries "
        "of single quadratic plans are above zero, depending on the data and epsilon. For entropic plans it is "
        f"{_percent(dense['support'].min())} to {_percent(dense['support'].max())}, because entries that are too small "
        f"for float64 become zero. Of the derivatives of ranks with respect to the squashed values, "
        f"{_percent(sparse['gradient_support'].min())} to {_percent(sparse['gradient_support'].max())} are above "
        "rounding (1e-9 of the largest) with quadratic regularisation. Values that share a target point depend on each "
        "other, and so on along the list. The squash itself, with its mean and deviation, makes every rank depend on "
        f"every value. `SparseNewton` takes {number(steps[QUADRATIC].mean(), '.1f')} steps on average (at most "
        f"{steps[QUADRATIC].max()}), and `Newton` takes {number(steps[ENTROPIC].mean(), '.1f')} (at most "
        f"{steps[ENTROPIC].max()}). All {plans.height} solves converged."
    )


def _ratio(plans: pl.DataFrame, column: str) -> float:
    """Returns the median, over all problems, of the ratio of quadratic to entropic."""
    both = plans.pivot("regularisation", index=["data", "n", "epsilon"], values=column)
    ratio = (both[QUADRATIC] / both[ENTROPIC]).median()
    return float(ratio) if isinstance(ratio, float) else np.nan


def _plan_table(plans: pl.DataFrame) -> str:
    columns = ("support", "places", "gradient_support", "rank_error", "steps")
    means = plans.group_by("n", "epsilon", "regularisation", maintain_order=True).agg(pl.col(columns).mean())
    lines = []
    for (n, epsilon), pair in means.group_by("n", "epsilon", maintain_order=True):
        by_name = {row["regularisation"]: row for row in pair.iter_rows(named=True)}
        cells = [
            f"{number(by_name[ENTROPIC][column], form)}, {number(by_name[QUADRATIC][column], form)}"
            for column, form in zip(columns, (".2f", ".1f", ".2f", ".1e", ".1f"), strict=True)
        ]
        lines.append([n, f"{epsilon:g}", *cells])
    headers = [
        "n",
        "epsilon",
        "entries above zero",
        "spread of a value",
        "nonzero derivatives",
        "rank error / n",
        "steps",
    ]
    return (
        "Each cell gives the entropic and then the quadratic result, as means over the data. *Entries above zero* and "
        f"*nonzero derivatives* are shares.\n\n{markdown_table(lines, headers)}"
    )


def _of_trainings(lessons: dict[str, dict[str, _Chosen]]) -> str:
    said = []
    for task, of in lessons.items():
        if not all(one.trained for one in of.values()):
            said.append(f"- *{task}* did not train with every seed.")
            continue
        difference = of[QUADRATIC].test - of[ENTROPIC].test
        word = "a clear difference" if is_beyond(difference, len(lessons)) else "not a clear difference"
        direction = "better" if difference.mean() > 0 else "worse"
        said.append(
            f"- *{task}*: quadratic regularisation is {number(abs(difference.mean()), '.4f')} {direction} than "
            f"entropic regularisation, which is {word} (p = {number(p_value(difference), '.3f')})."
        )
    return "\n".join(said)


def _training_table(lessons: dict[str, dict[str, _Chosen]]) -> str:
    lines = [
        [task, SCORES[task], name, f"{one.epsilon:g}", spread(one.test, ".4f"), _outcomes(one.rows)]
        for task, of in lessons.items()
        for name, one in of.items()
    ]
    return markdown_table(lines, ["task", "score", "regularisation", "epsilon", "test", "failures"])


def _of_gates(mixtures: dict[str, dict[str, _Chosen]]) -> str:
    said = []
    for task, of in mixtures.items():
        soft = {name: of[name] for name in SOFT_GATES if of[name].trained}
        if not soft or not of[FROZEN].trained:
            said.append(f"- *{task}* did not train with every seed.")
            continue
        best = max(soft, key=lambda name: soft[name].column("validation").mean())
        dense, sparse = of[ENTROPIC], of[QUADRATIC]
        said.append(
            f"- *{task}*: With the best epsilon of each gate, {_percent(sparse.column('zero_weights').mean())} of the "
            f"weights of the quadratic gate are exactly zero, and {_percent(dense.column('zero_weights').mean())} of "
            f"the weights of the entropic gate. Their scores are {spread(sparse.test)} (quadratic) and "
            f"{spread(dense.test)} (entropic). Of the soft gates, *{best}* has the best validation score; its test "
            f"score is {spread(of[best].test)}. The exact gate reaches {spread(of[EXACT].test)}, and the frozen gate "
            f"{spread(of[FROZEN].test)}. Of {len(sparse.test)} mixtures of each kind, {_better(sparse, of[FROZEN])} "
            f"quadratic, {_better(dense, of[FROZEN])} entropic and {_better(of[EXACT], of[FROZEN])} exact ones are "
            "better than frozen."
        )
    return "\n".join(said)


def _better(one: _Chosen, frozen: _Chosen) -> int:
    """Returns the number of mixtures that are better than those with a frozen gate."""
    return int(np.sum(one.test > frozen.test))


def _gate_table(mixtures: dict[str, dict[str, _Chosen]]) -> str:
    lines = [
        [
            f"{task}, {MIXTURES[task]}",
            name,
            f"{one.epsilon:g}",
            spread(one.test, ".4f"),
            number(one.column("zero_weights").mean(), ".2f"),
            number(one.column("used").mean(), ".1f"),
            f"{_better(one, of[FROZEN])} of {one.rows.height}" if name != FROZEN else "",
            _outcomes(one.rows),
        ]
        for task, of in mixtures.items()
        for name, one in of.items()
    ]
    headers = [
        "task, score",
        "gate",
        "epsilon",
        "test",
        "zero weights",
        "experts in use",
        "better than frozen",
        "failures",
    ]
    return markdown_table(lines, headers)


def _zeros_table(study: Regularisations, gates: pl.DataFrame) -> str:
    """Returns a table of zeros and scores of the quadratic gate for all epsilons."""
    lines = []
    for task in study.mixtures:
        for epsilon in study.learning_epsilons:
            at = pl.col("task") == task, pl.col("gate") == QUADRATIC, pl.col("epsilon") == epsilon
            one, frozen = _Chosen(epsilon, gates.filter(*at)), gates.filter(at[0], pl.col("gate") == FROZEN)
            zeros, used = (number(one.column(name).mean(), ".2f") for name in ("zero_weights", "used"))
            better = f"{_better(one, _Chosen(0.0, frozen))} of {one.rows.height}"
            lines.append([task, f"{epsilon:g}", spread(one.test, ".4f"), zeros, used, better])
    headers = ["task", "epsilon", "test", "zero weights", "experts in use", "better than frozen"]
    return f"The quadratic gate for all epsilons:\n\n{markdown_table(lines, headers)}"


def _outcomes(rows: pl.DataFrame) -> str:
    return ", ".join(sorted(set(rows["outcome"]) - {TRAINED}))


def _percent(share: Any) -> str:
    return number(None if share is None else 100 * share, ".3g") + " %"


def _draw_plans(study: Regularisations, plans: pl.DataFrame) -> tuple[Figure, str]:
    figure = Figure(figsize=(4 * len(study.sizes) + 2, 3.6), layout="constrained")
    axes = figure.subplots(1, len(study.sizes), squeeze=False, sharey=True)[0]
    for place, n in zip(axes, study.sizes, strict=True):
        for name, color in zip(REGULARISATIONS, ("C0", "C1"), strict=True):
            here = plans.filter(pl.col("n") == n, pl.col("regularisation") == name)
            mean = here.group_by("epsilon", maintain_order=True).agg(pl.col("support", "places").mean())
            _line(place, mean["epsilon"], mean["support"], color=color, label=f"{name}, entries above zero")
            spread_over = mean["places"] / n
            _line(
                place, mean["epsilon"], spread_over, color=color, linestyle="--", label=f"{name}, spread of a value / n"
            )
        place.set(title=f"n = {n}", xlabel="epsilon", xscale="log", yscale="log")
    axes[0].set_ylabel("share")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return (
        figure,
        "Share of the entries of a plan that are above zero, and spread of a value divided by n: means over the data.",
    )


def _draw_trainings(study: Regularisations, trainings: pl.DataFrame) -> tuple[Figure, str]:
    figure = Figure(figsize=(3.5 * len(study.tasks) + 2, 3.6), layout="constrained")
    axes = figure.subplots(1, len(study.tasks), squeeze=False)[0]
    for place, task in zip(axes, study.tasks, strict=True):
        for name, color in zip(REGULARISATIONS, ("C0", "C1"), strict=True):
            here = trainings.filter(pl.col("task") == task, pl.col("regularisation") == name)
            mean = here.group_by("epsilon", maintain_order=True).agg(pl.col("test").mean())
            _line(place, mean["epsilon"], mean["test"], color=color, label=name)
        place.set(title=task, xlabel="epsilon", xscale="log", ylabel=SCORES[task])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return figure, "Test scores as functions of epsilon: means over the seeds."


def _line(axes: Any, x: pl.Series, y: pl.Series, **style: Any) -> None:
    axes.plot(x.to_numpy(), y.cast(pl.Float64).fill_null(np.nan).to_numpy(), marker="o", **style)
