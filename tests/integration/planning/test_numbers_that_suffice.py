"""So many numbers give so many right answers, on traffic of seeds, tails and weights that nobody tuned for.

Small: a portal of 200 reveals a day. Soak: 2,000 and 20,000 a day too, and what traffic may be like.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from callease.planning.comparison import ENGINE, Comparison
from callease.planning.traffic import PRESETS, Traffic
from tests.support.size import Size

_SMALL, _MEDIUM, _LARGE = PRESETS["small"], PRESETS["medium"], PRESETS["large"]
# Points between what is stated and what is true, source and session.
_USUAL, _HARDER, _HIDDEN = (2.0, 3.0), (2.0, 4.0), (2.0, 11.0)


@dataclass(frozen=True)
class _Claim:
    traffic: Traffic
    objective: str
    numbers: int
    source: float
    session: float = 0.0
    gaps: tuple[float, float] = _USUAL

    def __str__(self) -> str:
        of = self.traffic
        like = [of.tail, of.weights, "all hidden" if of.hidden_share == 1 else "", f"seed {of.seed}"]
        return f"{of.reveals_a_day:g} a day, {', '.join(filter(None, like))}, {self.objective}, {self.numbers} numbers"


def _source(traffic: Traffic, *levels: tuple[int, float], gaps: tuple[float, float] = _USUAL) -> list[_Claim]:
    return [_Claim(traffic, "source", numbers, right, gaps=gaps) for numbers, right in levels]


_IN_EVERY_RUN = _source(replace(_SMALL, seed=302), (35, 0.96), (206, 0.999))
_IN_A_SOAK = [
    *_IN_EVERY_RUN,
    *_source(replace(_SMALL, seed=302), (102, 0.99)),
    *_source(replace(_MEDIUM, seed=303), (115, 0.96), (235, 0.99), (350, 0.999)),
    *_source(replace(_MEDIUM, seed=304, tail="light"), (115, 0.96), (235, 0.99), (350, 0.999)),
    *_source(replace(_MEDIUM, seed=305, tail="weibull"), (115, 0.96), (235, 0.99), gaps=_HARDER),
    *_source(replace(_MEDIUM, seed=306, tail="heavy"), (115, 0.96), (235, 0.99), gaps=_HARDER),
    *_source(replace(_MEDIUM, seed=307, hidden_share=1.0), (350, 0.96), gaps=_HIDDEN),
    _Claim(replace(_MEDIUM, seed=308), "both", 313, 0.99, 0.895),
    _Claim(replace(_MEDIUM, seed=309, weights="shuffled"), "both", 313, 0.99, 0.895),
    *_source(replace(_LARGE, seed=310), (514, 0.96), (1_340, 0.99), (2_695, 0.999), gaps=_HARDER),
]


def _claims(size: Size) -> list[_Claim]:
    return size.pick(small=_IN_EVERY_RUN, soak=_IN_A_SOAK)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("claim", _claims(Size(metafunc.config.getoption("size"))), ids=str)


def test_so_many_numbers_suffice(claim: _Claim, figure: Callable[[str, object], None]) -> None:
    (found,) = Comparison(claim.traffic, claim.objective).results([(ENGINE, claim.numbers)])
    office, source, session = found.score.office, found.score.source, found.score.session
    assert source.gap
    assert session.gap
    gaps = (source.gap.weighted, session.gap.weighted)
    figure("right source and session, %", (round(100 * source.right, 2), round(100 * session.right, 2)))
    figure("gaps of source and session, points", tuple(round(gap, 2) for gap in gaps))
    assert office.right == 1
    assert source.right >= claim.source
    assert session.right >= claim.session
    assert gaps[0] < claim.gaps[0]
    assert gaps[1] < claim.gaps[1]
