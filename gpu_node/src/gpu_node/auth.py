"""Who may talk to the node: everybody who holds its one API key."""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from gpu_node.problems import Problem

OPEN_PATHS = ("/health", "/files/")
"""/files/ is guarded by signed URLs instead."""


class BearerKey:
    """Middleware that lets requests with `Authorization: Bearer <key>` through, compared in constant time."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PATHS) or self._allows(scope):
            await self._app(scope, receive, send)
            return
        problem = Problem(
            401,
            "unauthorized",
            "Unauthorized",
            "Send the node's key as Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await problem.response()(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self._expected)
