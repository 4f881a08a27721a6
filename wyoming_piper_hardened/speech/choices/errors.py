"""Errors of changing presets; each leaves everything as it is."""

from __future__ import annotations

from ...errors import RequestError


class PresetNotFoundError(RequestError):
    """There is no preset of that name."""

    code = "preset-not-found"


class PresetExistsError(RequestError):
    """There is a preset of that name already, and a new one was to be made."""

    code = "preset-exists"


class PresetNameError(RequestError):
    """No preset may be called like that."""

    code = "preset-name-invalid"


class PresetNameTakenError(RequestError):
    """A voice is called like that."""

    code = "preset-name-taken"


class PresetFixedError(RequestError):
    """The preset is written in the settings and can be changed only there."""

    code = "preset-fixed"


class TooManyPresetsError(RequestError):
    """There are as many presets as there may be."""

    code = "too-many-presets"


class PresetsTooLargeError(RequestError):
    """The dictionaries of all presets together would be longer than they may be."""

    code = "presets-too-large"
