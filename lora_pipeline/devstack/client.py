"""The product's API as the demo uses it: one user's token, the envelope opened, errors in words."""

from typing import Any

import requests

_SECONDS = 60  # a busy machine may take its time


class ApiError(Exception):
    """The API refused, or did not answer; the message is for the user."""


class Api:
    """The API at `base_url` for the holder of `token`. Answers are the envelope's `data`."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base_url = base_url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET /api/`path`; raises ApiError."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """POST `body` as JSON to /api/`path`; raises ApiError."""
        return self._call("POST", path, json=body, headers=headers)

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        what = f"{method} /api/{path}"
        try:
            answer = self._session.request(
                method, f"{self._base_url}/api/{path}", timeout=_SECONDS, allow_redirects=False, **arguments
            )
            envelope = answer.json()
        except requests.RequestException as error:
            raise ApiError(f"{what} failed: {error}") from error
        if not envelope.get("success"):
            said = envelope.get("error", {})
            raise ApiError(f"{what} answered {answer.status_code}: {said.get('message')} {said.get('details') or ''}")
        data: dict[str, Any] = envelope["data"]
        return data
