"""Admission of requests: a bounded number of slots."""

from __future__ import annotations

from typing import Protocol


class Sharer(Protocol):
    """Whom a request is for; see `Listener`."""

    @property
    def follows(self) -> bool:
        """Return whether what is made for it is made for another one, too, who has a slot."""


class AdmissionSlots:
    """The slots that requests hold while they are carried out.

    A request leaves its slot to others while it only gets what is computed for another one.

    Args:
        most_left: how many may be left to others at once, for each of their requests holds audio.
    """

    def __init__(self, most_left: int) -> None:
        self.held: set[Slot] = set()
        self.left: set[Slot] = set()
        self._most_left = most_left

    @property
    def requests(self) -> int:
        """Number of requests that are carried out, but for those whose slot is left to others."""
        return len(self.held) - min(len(self.left), self._most_left)

    @property
    def taken(self) -> int:
        """Number of slots that nobody else can have."""
        without = sum(slot in self.left or slot.listener.follows for slot in self.held)
        return len(self.held) - min(without, self._most_left)


class Slot:
    """One request's slot; it comes from `Pool.admit`."""

    def __init__(self, slots: AdmissionSlots, listener: Sharer) -> None:
        self.listener = listener
        self._slots = slots
        slots.held.add(self)

    def leave(self) -> None:
        """Let another request have it as long as this one waits for no worker, if it may."""
        self._slots.left.add(self)

    def take(self) -> None:
        """Take it again: a request that has been admitted is not rejected any more."""
        self._slots.left.discard(self)

    def release(self) -> None:
        """Give it back."""
        self._slots.held.discard(self)
        self._slots.left.discard(self)
