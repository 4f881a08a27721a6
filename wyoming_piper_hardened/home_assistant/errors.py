"""Errors of commands on standard input, and of the Supervisor."""

from __future__ import annotations

from ..errors import HardenedError


class CommandError(HardenedError):
    """A line of standard input that is no command: not JSON, too long, or neither of its forms."""

    code = "command-invalid"


class CommandUnknownError(CommandError):
    """There is no command of that name."""

    code = "command-unknown"


class CommandFieldsError(CommandError):
    """A command lacks a field, or has one that is wrong or unknown."""

    code = "command-fields-invalid"


class CommandsWaitingError(CommandError):
    """More commands wait than the queue may hold."""

    code = "commands-waiting"
    retryable = True


class SupervisorError(HardenedError):
    """Home Assistant's Supervisor does not do what it was asked to."""

    code = "supervisor-failed"
    retryable = True


class SupervisorUnreachableError(SupervisorError):
    """No connection to the Supervisor, or no answer in time."""

    code = "supervisor-unreachable"


class SupervisorRefusedError(SupervisorError):
    """The Supervisor does not accept the token, or what is asked is not allowed to this app."""

    code = "supervisor-refused"
