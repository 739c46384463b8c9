"""What a number costs is read as it was kept and written as people write money."""

from decimal import Decimal
from typing import Any

import pytest

from callease.planning.price import Price, usual_price


@pytest.mark.parametrize(
    ("kept", "written"),
    [
        ("1500", "1500"),
        ({"amount": "1500.50", "currency": "KZT"}, {"amount": "1500.50", "currency": "KZT"}),
        ("1.5E+3", "1500"),  # before an amount could have no exponent
        ({"amount": "1E-6", "currency": "USD"}, {"amount": "0.000001", "currency": "USD"}),
    ],
)
def test_it_is_written_out_plainly(kept: Any, written: Any) -> None:
    price = usual_price([kept])
    assert price
    assert price.as_kept() == written


def test_the_usual_one_is_the_most_frequent_and_of_several_the_highest() -> None:
    assert usual_price(["5", "7", "7.0", None]) == Price(Decimal(7), None)
    assert usual_price(["5", "7"]) == Price(Decimal(7), None)
    assert usual_price([None]) is None


def test_several_cost_as_many_times_as_much() -> None:
    assert Price(Decimal("0.10"), "USD").times(3).as_json() == {"amount": "0.30", "currency": "USD"}
