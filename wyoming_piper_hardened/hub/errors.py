"""Errors of downloads from the voice repository."""

from __future__ import annotations

from ..errors import VoiceError


class DownloadError(VoiceError):
    """A download from the voice repository failed."""

    code = "download-failed"


class OfflineError(DownloadError):
    """The settings forbid using the network."""

    code = "offline"


class HubUnreachableError(DownloadError):
    """No connection, no answer in time, or the repository reports that it is out of order."""

    code = "hub-unreachable"
    retryable = True


class HubRefusedError(DownloadError):
    """The repository, or a proxy before it, refuses the credentials or this client."""

    code = "hub-refused"


class NotOnHubError(DownloadError):
    """The repository has no such file or revision."""

    code = "not-on-hub"


class HubAnswerError(DownloadError):
    """An answer that no repository would give: a wrong commit, encoding or status."""

    code = "hub-answer-invalid"


class RedirectRefusedError(DownloadError):
    """Redirects that go in circles, are too many, or lead to where no file is fetched from."""

    code = "redirect-refused"


class RateLimitedError(DownloadError):
    """The repository asks for fewer requests, for longer than a download waits."""

    code = "rate-limited"
    retryable = True


class CaptivePortalError(DownloadError):
    """Another server answers for the repository: a login page, or a proxy's own page."""

    code = "captive-portal"


class CertificateError(DownloadError):
    """The connection cannot be secured: the certificate is not trusted."""

    code = "certificate-invalid"


class DownloadInterruptedError(DownloadError):
    """The file began to come and stopped, repeatedly."""

    code = "download-interrupted"
    retryable = True


class DownloadCorruptError(DownloadError):
    """All bytes came, twice, and differ from those of the catalogue."""

    code = "download-corrupt"


class CatalogueStaleError(DownloadError):
    """The repository's size of the file differs from the catalogue's."""

    code = "catalogue-stale"


class NotAModelError(DownloadError):
    """Instead of the file came something else: a pointer of Git LFS, or an error page."""

    code = "not-a-model"
