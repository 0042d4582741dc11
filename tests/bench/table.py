"""A figure beside its target."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """A measured figure; `at_most` or `at_least` is its target."""

    what: str
    figure: float
    at_most: float | None = None
    at_least: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool:
        low_enough = self.at_most is None or self.figure <= self.at_most
        return low_enough and (self.at_least is None or self.figure >= self.at_least)

    def __str__(self) -> str:
        target = ""
        if self.at_most is not None:
            target = f"at most {self.at_most:g}"
        if self.at_least is not None:
            target = f"at least {self.at_least:g}"
        verdict = ("met" if self.met else "MISSED") if target else ""
        return f"{self.what:<58} {self.figure:>10.3f}  {target:<15} {verdict:<7} {self.detail}"


def show(title: str, rows: Iterable[Row]) -> list[Row]:
    """Print the rows as they come, under a title."""
    print(f"\n{title}", flush=True)
    shown = []
    for row in rows:
        print(f"  {row}", flush=True)
        shown.append(row)
    return shown


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    started = perf_counter()
    work()
    return perf_counter() - started
