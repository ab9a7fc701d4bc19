"""Definitions of the terms that reports use, in agreement with the glossary of the documentation."""

_DEFINITIONS = {
    "epsilon": "the amount of smoothing. Values are mapped into [0, 1] and moved to target points there. With "
    "epsilon = 0 each value goes to its own point, and results are exact. A larger epsilon spreads a value over more "
    "points. It is in units of squared distances.",
    "list": "a set of values that are sorted or ranked together, such as one row of a batch.",
    "soft rank": "a smooth approximation of the rank of a value in its list, which has a useful gradient.",
    "target points": "the points of the target, which is what the values are moved to. They are m points in [0, 1], "
    "evenly spaced and with equal weights, unless stated otherwise.",
    "squash": "the increasing function that maps the values into [0, 1] before they are moved.",
    "transport plan": "the matrix that says how much of the mass of each value goes to each target point. Soft ranks, "
    "sorted values and quantiles are averages that are computed from it.",
    "potential": "a vector with one number for each target point. It determines the plan, and solvers search for it.",
    "marginal error": "the error of the column sums of a plan: the sum, over the target points, of the absolute "
    "difference between the mass that arrives and the mass that should arrive. It is between 0 and 2.",
    "sweep": "one iteration of Sinkhorn's algorithm.",
    "unrolled": "the gradient is computed by differentiating through all iterations of the solver.",
    "checkpointed": "like unrolled, but with less memory and more computation.",
    "one-step": "the gradient is computed by differentiating through the last sweeps only; OneStep(5) takes five.",
    "implicit": "the gradient is computed from the solution alone, by the implicit function theorem.",
    "scratch memory": "the memory that a compiled program needs in addition to its arguments and results.",
    "S- and K-": "prefixes of the paper. S-ranks, S-quantiles and the S-CDF (cumulative distribution function) are "
    "smooth (epsilon > 0). K-quantiles are exact (epsilon = 0).",
}


def defined(*names: str) -> str:
    """Returns the definitions of some terms, as a list in Markdown."""
    return "Terms:\n\n" + "\n".join(f"- *{name}*: {_DEFINITIONS[name]}" for name in names)
