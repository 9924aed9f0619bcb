"""The answer on its way out: caught, changed, padded, cut, dripped."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpu_node.faults.bodies import spoil, to_text
from gpu_node.faults.rules import Effect, Rule

CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """A whole answer in memory; header names in lower case."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    def json(self) -> Any:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None


async def catch(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Lets the application answer without sending anything."""
    code, headers, content = 500, dict[str, str](), bytearray()

    async def keep(message: Message) -> None:
        nonlocal code
        if message["type"] == "http.response.start":
            code = message["status"]
            headers.update({name.decode(): value.decode("latin-1") for name, value in message["headers"]})
        else:
            content.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return Answer(code, headers, bytes(content))


def made_up(effect: Effect) -> Answer:
    """The answer that an effect gives instead of the node's."""
    if effect.redirect is not None:
        return Answer(307, {"location": effect.redirect})
    wish = effect.answer or {}
    headers = {str(name).lower(): str(value) for name, value in wish.get("headers", {}).items()}
    if (seconds := wish.get("retry_after_s")) is not None:
        headers["retry-after"] = str(seconds)
    if (seconds := wish.get("retry_after_date_s")) is not None:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        headers["retry-after"] = format_datetime(moment, usegmt=True)
    code, body = int(wish.get("code", 500)), wish.get("body")
    if isinstance(body, str):
        return Answer(code, headers, body.encode())
    if body is None:
        body = {"title": "Provoked", "status": code, "detail": "A fault rule answers.", "code": "provoked"}
        body["retryable"] = code in {429, 500, 502, 503, 504}
    kind = "application/problem+json" if code >= 400 else "application/json"
    return Answer(code, {"content-type": kind} | headers, to_text(body).encode())


def changed(answer: Answer, rule: Rule) -> Answer:
    """The node's answer as the rule's effect leaves it."""
    effect = rule.effect
    body = answer.json()
    if effect.forget and not (isinstance(body, dict) and "jobs" in body):
        gone = {"code": 404, "body": {"title": "Unknown job", "status": 404, "code": "unknown_job"}}
        return made_up(Effect(answer=gone))
    content = answer.content
    if body is not None:
        content = to_text(spoil(body, rule)).encode()
    if effect.body is not None:
        content = effect.body.encode()
    if effect.truncate is not None:
        content = content[: effect.truncate]
    if effect.pad_bytes is not None:
        content += b" " * effect.pad_bytes
    headers = answer.headers | {name.lower(): value for name, value in effect.headers.items()}
    return replace(answer, code=effect.status or answer.code, headers=headers, content=content)


async def send_answer(
    answer: Answer, receive: Receive, send: Send, drip: dict[str, float] | None, closing: asyncio.Event
) -> None:
    """Sends it, in drops of `bytes` every `every_s` seconds where it drips."""
    headers = answer.headers | {"content-length": str(len(answer.content))}
    listed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.code, "headers": listed})
    size = max(1, int(drip.get("bytes", 1))) if drip is not None else CHUNK
    for start in range(0, len(answer.content), size):
        drop = answer.content[start : start + size]
        await send({"type": "http.response.body", "body": drop, "more_body": True})
        if drip is not None and not await linger(float(drip.get("every_s", 1.0)), receive, closing):
            return
    await send({"type": "http.response.body", "body": b""})


async def pause(seconds: float, closing: asyncio.Event) -> bool:
    """Waits, but not beyond the end of the process; says whether time went by."""
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return True
    return False


async def linger(seconds: float, receive: Receive, closing: asyncio.Event) -> bool:
    """Waits until time is up, the client has gone or the node ends; says whether time went by."""
    waiting = asyncio.create_task(pause(seconds, closing))
    leaving = asyncio.create_task(_gone(receive))
    await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
    went_by = waiting.done() and waiting.result()
    for task in (waiting, leaving):
        task.cancel()
    await asyncio.gather(waiting, leaving, return_exceptions=True)
    return went_by


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
