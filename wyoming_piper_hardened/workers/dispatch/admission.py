"""Admission of requests: a bounded number of slots."""

from __future__ import annotations


class AdmissionSlots:
    """The slots that requests hold while they are carried out.

    Args:
        most_left: how many may be left to others at once, for each of their requests holds audio.
    """

    def __init__(self, most_left: int) -> None:
        self.held: set[Slot] = set()
        self.left: set[Slot] = set()
        self.shared: set[Slot] = set()
        self._most_left = most_left

    @property
    def taken(self) -> int:
        """Number of slots that nobody else can have."""
        return len(self.held) - min(len(self.left | self.shared), self._most_left)


class Slot:
    """One request's slot; it comes from `Pool.admit`."""

    def __init__(self, slots: AdmissionSlots) -> None:
        self._slots = slots
        slots.held.add(self)

    def leave(self) -> None:
        """Let another request have it as long as this one waits for no worker, if it may."""
        self._slots.left.add(self)

    def take(self) -> None:
        """Take it again: a request that has been admitted is not rejected any more."""
        self._slots.left.discard(self)

    def share(self, shared: bool) -> None:  # noqa: FBT001 - a state
        """Say whether its request now gets what is computed for another one that has a slot."""
        (self._slots.shared.add if shared else self._slots.shared.discard)(self)

    def release(self) -> None:
        """Give it back."""
        for slots in (self._slots.held, self._slots.left, self._slots.shared):
            slots.discard(self)
