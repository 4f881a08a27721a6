"""Errors of bundles and mirrors."""

from __future__ import annotations

from ...errors import HardenedError, VoiceError


class BundleError(VoiceError):
    """The file is no bundle of a voice."""

    code = "bundle-invalid"


class BundleCutError(BundleError):
    """The bundle ends before its last file is complete."""

    code = "bundle-cut"


class BundleChangedError(BundleError):
    """The bundle's bytes are not those that its index lists."""

    code = "bundle-changed"


class BundleUnsafeError(BundleError):
    """The bundle holds a path, a link or something else that is no plain file."""

    code = "bundle-unsafe"


class BundleArchitectureError(BundleError):
    """The bundle was made for machines of another architecture."""

    code = "bundle-other-architecture"


class BundleNewerError(BundleError):
    """The bundle was made by a newer version of this program."""

    code = "bundle-newer"


class ExportChangedError(VoiceError):
    """A file of the voice is not what it was when the voice was installed."""

    code = "voice-changed"


class TargetError(HardenedError):
    """A file outside the data directory cannot be written."""

    code = "target-unusable"
