"""Parts of an answer that are worked out when they are first looked at: many are never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """A value that is worked out once, when it is first asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work

    def now(self) -> T:
        """The value."""
        if not hasattr(self, "_value"):
            self._value = self._work()
        return self._value


class Part(Generic[T]):
    """A field of a dataclass without slots: a value, or a :class:`Later` that is read as its value."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> T:
        if instance is None:
            # What the dataclass takes as the default of the field.
            return self.default
        kept: T | Later[T] = instance.__dict__[self.name]
        return kept.now() if isinstance(kept, Later) else kept

    def __set__(self, instance: Any, value: T | Later[T]) -> None:
        instance.__dict__[self.name] = value
