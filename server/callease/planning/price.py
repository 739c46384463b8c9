"""What a number costs a month, where that is known. Pure logic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Price:
    """`currency` None: the portal did not say which."""

    amount: Decimal
    currency: str | None

    def times(self, numbers: int) -> Price:
        return Price(self.amount * numbers, self.currency)

    @property
    def _plain(self) -> str:
        """Without an exponent."""
        return format(self.amount, "f")

    def as_kept(self) -> Any:
        """As `Number.monthly_cost` keeps it."""
        return self.as_json() if self.currency else self._plain

    def as_json(self) -> dict[str, Any]:
        return {"amount": self._plain, "currency": self.currency}


def usual_price(costs: Iterable[Any]) -> Price | None:
    """The most frequent one, of several the highest; None where no number has one.

    `costs` as `Number.monthly_cost` keeps them.
    """
    known = Counter(_price(cost) for cost in costs if cost is not None)
    return max(known, key=lambda price: (known[price], price.amount)) if known else None


def _price(cost: Any) -> Price:
    if isinstance(cost, dict):
        return Price(Decimal(cost["amount"]), cost["currency"])
    return Price(Decimal(cost), None)
