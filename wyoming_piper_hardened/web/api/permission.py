"""What a caller may do, so that a page need not offer what would be refused."""

from __future__ import annotations

from aiohttp import web

from ...errors import AccessError
from ..access import AccessPolicy, caller_of
from ..endpoint import Access, Endpoint
from ..schemas import JSON, SWITCH, record


class Permission:
    """``/api/permission``.

    Args:
        policy: decides.
    """

    def __init__(self, policy: AccessPolicy) -> None:
        self._policy = policy

    def endpoints(self) -> tuple[Endpoint, ...]:
        """See there."""
        return (
            Endpoint(
                method="GET",
                path="/api/permission",
                handle=self._show,
                summary="Whether you may change anything from where you are.",
                answers={200: {JSON: record({"change": SWITCH})}},
            ),
        )

    def may_change(self, request: web.Request) -> bool:
        """Whether its caller may change anything."""
        try:
            self._policy.check(caller_of(request), Access.CHANGE)
        except AccessError:
            return False
        return True

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"change": self.may_change(request)})
