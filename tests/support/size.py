"""How much a heavy test does: the same test runs small in every `make test` and full in `make soak`."""

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SIZES = ("small", "soak")


@dataclass(frozen=True)
class Size:
    name: str

    def pick(self, small: T, soak: T) -> T:
        return small if self.name == "small" else soak
