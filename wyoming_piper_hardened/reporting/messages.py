"""English sentences for events, issues, failures and damage.

The one place where what happened becomes prose. Nothing reads a sentence back: programs use the
names and parameters, so that any template may be reworded. Templates are `str.format` strings over
the parameters. Where a name has variants, the most specific key wins: ``damaged.files`` before
``damaged``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

EVENTS: dict[str, str] = {
    # server
    "server-listening": "listening on {address}; default voice {voice}",
    "web-listening": "web page and API on {address}",
    "server-draining": "asked to stop: not ready any more; new requests for {accept:g} s, then "
    "{timeout:g} s for those that have begun",
    "requests-cut-off": "{count} requests are cut off: their time is up, or a second signal came",
    "server-stopping": "stopping",
    "status-loading": "listening; {voice} cannot speak yet; issues: {issues}",
    "status-ready": "{voice} speaks; issues: {issues}",
    "status-stopping": "finishing what has begun",
    "connections-limited": "at most {allowed} connections at once instead of {wanted}: only "
    "{files} files may be open here",
    "accept-failed": "cannot accept a connection ({reason}); it is tried again every second",
    "running-as-uid": "running as user {uid}",
    "running-as-user": "running as {user} (user {uid})",
    "running-as-root": "running as root: {reason}",
    "running-as-root-for-access": "running as root: {user} would lose access to {path}",
    "internal-error": "{where}: unexpected error; please report this",
    "messages-left-out": "{count} more messages such as those before were left out",
    # clients
    "client-left": "{client}: left before its audio was complete",
    "connection-closed-for-another": "{client}: idle for longest, closed for another connection",
    "connection-refused": "refused a connection: {reason}",
    "request-failed": "{client}: {code}: {reason}",
    "segment-skipped": "left out of a request: {reason}",
    # workers
    "worker-ready": "worker {worker} is ready (pid {pid}, {seconds:.2f} s)",
    "worker-failed": "worker {worker}: {failure}. A new process starts in {delay:.1f} s",
    "worker-fatal": "worker {worker}: {failure}. It is tried again in {delay:.0f} s, or at once "
    "after a repair",
    "worker-recycled": "worker {worker} is replaced after {segments} segments, {megabytes} MB",
    "workers-restarted": "every worker is replaced on request",
    "voice-load-failed": "worker {worker} cannot load {voice}: {reason}",
    "segment-failed": "worker {worker} cannot speak a segment of {characters} characters: {reason}",
    "phonemizer-failed": "the process that makes phonemes {failure}. It is tried again in "
    "{delay:.1f} s",
    # voices
    "voice-serving": "{voice} speaks from {folder}",
    "voice-removed": "{voice} has been removed",
    "voice-replaced": "{speaks} speaks instead of {voice}: {reason}",
    "voice-unusable": "{voice} cannot be used: {reason}",
    "voice-not-loaded": "{voice} is not loaded yet: {reason}",
    "voice-unprepared": "{voice} is used as it is: each sentence starts later",
    "parts-unusable": "{voice} speaks without its prepared parts: {reason}",
    "default-voice-missing": "the default voice {voice} is not installed, {speaks} speaks instead; "
    "the command `{command}` gets it",
    "default-voice-chosen": "{voice} speaks for requests that name no voice",
    "default-voice-choice-over": "the setting voice is {voice} now: {choice}, which was chosen "
    "before, is the default no more",
    "preset-saved": "the preset {preset} stands for {voice}",
    "preset-removed": "the preset {preset} has been removed",
    "kept-file-ignored": "{path} is ignored: {reason}",
    "fallback-voice-missing": "fallback_voice: {voice} is not installed",
    "speaker-missing": "the setting speaker: {reason}; until then its first one speaks",
    "voice-reduced": "{voice} speaks without {phonemes} phonemes and {speakers} speakers of its "
    "configuration, which its model does not have: {names}",
    "watched-folder-missing": "{path}, a folder of custom_voice_dirs, is not there yet",
    "watched-subfolder-ignored": "{path} is not looked into: put the files of voices into {folder} "
    "itself, or name it in custom_voice_dirs",
    "watched-file-hidden": "{path} is left alone: another file for the voice {voice} comes first",
    # jobs
    "install-started": "{voice} is being installed",
    "install-cancelled": "the installation of {voice} has been cancelled",
    "model-card-not-kept": "{voice} is installed without its model card: {reason}",
    "repair-started": "{voice} is being repaired",
    "own-model-repair-failed": "{voice} is not repaired from its own model: {reason}",
    "job-failed": "{voice}: {action}: {code}: {reason}",
    "job-retry": "{voice}: tried again in {delay:.0f} s",
    "issue-opened": "{issue.subject}: {issue.kind}: {issue}",
    "download-retry": "{reason}; trying again in {delay:.0f} s",
    "catalogue-not-saved": "cannot keep the catalogue in {path}: {reason}",
    "catalogue-unreadable": "{reason}; the bundled one is used",
    "store-unreadable": "cannot read {folder}: {reason}",
    "disk-without-symbolic-links": "{folder} is on a disk without symbolic links: files name the "
    "versions that serve",
    "disk-without-locks": "{folder} is on a disk without locks: files with an owner replace them; "
    "what a killed process leaves in another container or machine is free after 30 s",
    "disk-without-folder-sync": "{folder} is on a disk that cannot flush folders: after a power "
    "cut the last change of a voice may be missing",
    # Home Assistant and the network
    "announced": "announced as {name!r} at {addresses}",
    "announcement-failed": "zeroconf: cannot announce {name!r}: {reason}",
    "announcement-impossible": "zeroconf: {reason}",
    "tracing-impossible": "otel_endpoint: {reason}",
    "traces-refused": "the collector at {endpoint} takes no traces; until it does none are kept",
    "traces-taken": "the collector at {endpoint} takes traces again",
    "discovery-announced": "{service}: announced to Home Assistant",
    "discovery-not-withdrawn": "{service}: is still announced to Home Assistant: {code}: {reason}",
    "discovery-withdrawn": "{service}: no longer announced to Home Assistant",
    "discovery-failed": "{service}: cannot be discovered yet: {code}: {reason}; tried again",
    "discovery-disabled": "no discovery: {reason}",
    "repairs-cleared": "repair_on_start is done and has been cleared",
    "repairs-not-cleared": "repair_on_start cannot be cleared yet: {code}: {reason}",
    "voice-option-set": "the option voice is {voice} now, as was chosen",
    "voice-option-not-set": "the option voice cannot be changed yet: {code}: {reason}; tried again",
    "option-note": "{note}",
    "command-done": "command {command}: ok: {result}",
    "command-failed": "command {command}: {code}: {reason}",
    "command-rejected": "standard input: {code}: {reason}",
    "standard-input-unreadable": "standard input cannot be read: {reason}",
}
"""By the event's name."""

ISSUES: dict[str, str] = {
    "missing.not-installed": "it is not installed; the command `{command}` gets it",
    "damaged.files": "{damage}",
    "damaged.no-copy": "one of its files changed on the disk, and there is no copy; upload or "
    "import it again, or remove it ({damage})",
    "damaged.no-usable-version": "no version of it can be used",
    "stale": "the repository has another version of it; the installed one keeps speaking",
    "failing": "{failure}",
    "unloadable": "{failure}",
    "option.speaker-not-found": "{reason}; until then its first one speaks",
    "option.preset-name-taken": "the preset {preset!r} is called like an installed voice, which "
    "speaks for that name; give the preset another one",
    "option.not-allowed": "{value} is not allowed; allowed: {allowed}; it is left at its default",
    "option.file-missing": "there is no such file; every option is at its default",
    "option.file-unreadable": "it cannot be read ({reason}); every option is at its default",
    "option.file-invalid": "{reason}; every option is at its default",
    "option.config-invalid": "it is left at its default; {reason}",
    "unwritable.foreign-owner": "{folder} belongs to user {owner}, and the server runs as user "
    "{user}; installed voices speak, nothing can be added. Change it: chown -R {user} {folder}",
    "unwritable": "it refuses: {reason}; installed voices speak, nothing can be added",
    "no-space.data_dir": "it refuses: {reason}; installed voices speak, nothing can be added",
}
"""By ``kind.code``, else ``kind``; any other issue shows its parameter ``reason``."""

FAILURES: dict[str, str] = {
    "spawn": "cannot be started: {error}",
    "start": "could not start: {error}",
    "load": "the voice does not load: {error}",
    "load.parts": "the voice speaks without its prepared parts: {error}",
    "hung.starting": "was not ready after {seconds:g} s",
    "hung.idle": "did not answer a ping in {seconds:g} s",
    "hung": "made nothing for {seconds:g} s",
    "exit.cannot-start": "could not start",
    "exit": "ended by itself with exit code {code}",
    "signal.SIGKILL": "killed by signal 9; if nobody did that by hand the system ran out of "
    "memory: use a smaller voice or fewer workers",
    "signal.SIGSEGV": "crashed (segmentation fault)",
    "signal.SIGILL": "crashed (illegal instruction): the processor may be too old for onnxruntime",
    "signal.SIGABRT": "aborted itself",
    "signal.SIGBUS": "crashed (bus error): a file of the voice changed or the disk failed",
    "signal": "killed by {signal}",
    "memory": "grew to {megabytes} MB in mid-segment and was killed",
    "protocol": "broke the protocol",
    "protocol.unexpected-event": "sent {event!r} out of turn",
    "protocol.impossible-audio": "sent impossible audio ({bytes} bytes)",
    "protocol.invalid-frame": "sent an invalid frame: {error}",
    "protocol.unreadable": "cannot be read: {error}",
    "protocol.pipe-closed": "closed its pipe but went on",
    "internal": "met an unexpected error of the server",
}
"""By ``kind.variant``, ``kind.stage``, else ``kind``; see `issues.Failure`."""

SEGMENTS: dict[str, str] = {
    "abandoned": "that nobody waited for any more",
    "load-retried": "whose voice it was loading; that is tried once more",
    "load-failed": "whose voice it was loading",
    "replayed": "which continues from sample {sample}",
    "quarantined": "that had ended a worker before, so it is quarantined",
}
"""Outcome of the segment in which a worker failed."""

DAMAGE: dict[str, str] = {
    "size": "{file} has {found} bytes instead of {expected}",
    "changed": "{file} has changed",
    "unreadable": "{file}: {error}",
    "manifest": "{error}",
    "silent": "it does not speak",
}
"""By its kind."""


def event_text(name: str, params: Mapping[str, Any]) -> str:
    """Return the sentence for an event."""
    return _filled(EVENTS[name], params)


def issue_text(kind: str, code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence for an issue."""
    template = ISSUES.get(f"{kind}.{code}") or ISSUES.get(kind) or "{reason}"
    return _filled(template, params)


def failure_text(kind: str, stage: str, detail: Mapping[str, Any]) -> str:
    """Return why an engine process ended, with what became of its segment."""
    variants = (detail.get("variant"), detail.get("signal"), stage)
    keys = (f"{kind}.{variant}" for variant in variants if variant)
    template = next((FAILURES[key] for key in keys if key in FAILURES), None) or FAILURES[kind]
    text = _filled(template, detail)
    if last_words := detail.get("last_words"):
        text += f"; its last words: {last_words}"
    if count := detail.get("segments"):
        text += f", while it computed {count} segments, which go on one at a time"
    if segment := detail.get("segment"):
        outcome = _filled(SEGMENTS[segment["outcome"]], segment)
        text += f", in a segment of {segment['characters']} characters {outcome}"
    return text


def damage_text(kind: str, file: str, detail: Mapping[str, Any]) -> str:
    """Return what is wrong with a file of a voice."""
    return _filled(DAMAGE[kind], {"file": file, **detail})


def _filled(template: str, params: Mapping[str, Any]) -> str:
    return template.format_map({name: _shown(value) for name, value in params.items()})


def _shown(value: Any) -> Any:
    """Return lists as one text; everything else formats itself."""
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return "; ".join(map(str, value))
    return value
