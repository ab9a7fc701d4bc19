"""Lists all studies. Each has a folder with `study.py`, `measure.py` and `report.py`."""

from .common.study import AbstractStudy
from .compare.study import Compare
from .epsilons.study import Epsilons
from .figure2.study import Figure2
from .figure3.study import Figure3
from .figure4.study import Figure4
from .figure5.study import Figure5
from .figure6.study import Figure6
from .gradients.study import Gradients
from .outliers.study import Outliers
from .peers.study import Peers
from .regularisations.study import Regularisations
from .relaxations.study import Relaxations
from .scaling.study import Scaling
from .schedules.study import Schedules
from .signal.study import Signal
from .table1.study import Table1
from .tutorial.study import Tutorial

STUDIES: dict[str, type[AbstractStudy]] = {
    kind.name: kind
    for kind in (
        Compare,
        Gradients,
        Schedules,
        Signal,
        Figure2,
        Figure3,
        Scaling,
        Regularisations,
        Peers,
        Relaxations,
        Epsilons,
        Tutorial,
        Table1,
        Outliers,
        Figure4,
        Figure5,
        Figure6,
    )
}
