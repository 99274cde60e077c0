"""Commands for one trip to the store, and what is made of their replies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from riskapi.store.redis_socket import Argument, Command, Framed

T = TypeVar("T")


def as_it_is(reply: Any) -> Any:
    """For a reply that is taken as redis-py gives it."""
    return reply


class ReplyReader(Generic[T]):
    """What the store says to one command of a pipeline. Call it once the store has run the pipeline."""

    __slots__ = ("_at", "_pipe", "_read")

    def __init__(self, pipe: Pipeline, at: int, read: Callable[[Any], T]) -> None:
        self._pipe, self._at, self._read = pipe, at, read

    def __call__(self) -> T:
        """The reply, read anew at each call. RuntimeError while the pipeline has not been run."""
        replies = self._pipe.replies
        if replies is None:
            raise RuntimeError("the pipeline has not been run")
        return self._read(replies[self._at])


class Pipeline:
    """Commands for one trip to the store. They are not a transaction; each is atomic by itself."""

    __slots__ = ("commands", "replies")

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.replies: list[Any] | None = None

    def ask(self, *args: Argument | Framed, read: Callable[[Any], T]) -> ReplyReader[T]:
        """Queue one command whose reply ``read`` makes a value of: what is asked and how it is read stand together."""
        return self.add(args, read)

    def add(self, command: Command, read: Callable[[Any], T]) -> ReplyReader[T]:
        """As :meth:`ask`, for a command that is put together already."""
        self.commands.append(command)
        return ReplyReader(self, len(self.commands) - 1, read)

    def execute_command(self, *args: Argument) -> Self:
        """Queue one command. On a cluster its first key decides the node: ``args[1]``, or the first of KEYS."""
        self.commands.append(args)
        return self

    def __len__(self) -> int:
        return len(self.commands)
