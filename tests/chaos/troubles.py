"""What can go wrong, by name: how it begins and how it ends."""

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import redis
import requests

from tests.chaos.plan import Trouble
from tests.chaos.proxy import FAIR, Way, Weather
from tests.chaos.site import Site

WEATHERS = {
    "reset": Weather(resets=True),
    "drop": Weather(drops=True),
    "delay": Weather(up=Way(delay_s=0.2), down=Way(delay_s=0.4)),
    "drip": Weather(down=Way(drip_s=0.005)),
    "hole": Weather(up=Way(hole=True), down=Way(hole=True)),
    "deaf": Weather(down=Way(hole=True)),  # what is said arrives, answers do not come back
}
# What a node with an open fault door answers.
DOORS: dict[str, list[dict[str, Any]]] = {
    "accepts and resets": [{"route": "submit", "times": 2, "effect": {"accept": True, "reset": True}}],
    "busy": [{"route": "any", "effect": {"answer": {"code": 503, "retry_after_s": 3}}}],
    "refuses cancels": [{"route": "cancel", "times": 3, "effect": {"reset": True}}],
}
QUEUES = ("control", "poll", "data", "deliver")
COPIES = 4


class Lasting(Protocol):
    def end(self) -> None: ...


class _Ending:
    def __init__(self, end: Callable[[], object] = lambda: None) -> None:
        self._end = end

    def end(self) -> None:
        self._end()


def begin(trouble: Trouble, site: Site) -> Lasting:
    """Let it happen; it lasts until the answer's `end`."""
    what = trouble.of
    match trouble.kind:
        case "kill":
            site.kill(what)
            return _Ending(lambda: site.revive(what))
        case "pause" if what == "database" and site.database.sqlite_path is not None:
            return _WriteLock(site.database.sqlite_path)
        case "pause":
            site.freeze(what)
            return _Ending(lambda: site.thaw(what))
        case "flush":
            with redis.Redis.from_url(site.broker_url, socket_timeout=5) as client:
                client.flushall()
            return _Ending()
        case "door":
            rules = [site.cluster.call("POST", "/faults", json=rule)["number"] for rule in DOORS[what]]
            return _Ending(lambda: threading.Thread(target=_lift, args=(site, rules), daemon=True).start())
        case "repeat":
            return _Repeater(site.broker_url)
    wire = site.wires[what]
    wire.spoil(WEATHERS[trouble.kind])
    return _Ending(lambda: wire.spoil(FAIR))


def _lift(site: Site, rules: list[int]) -> None:
    """Until the node has said that they are gone: it may be stopped or down. Who was killed has forgotten them."""
    left = list(rules)
    while left:
        try:
            site.cluster.call("DELETE", f"/faults/{left[0]}")
        except requests.HTTPError:
            pass
        except requests.RequestException:
            time.sleep(0.5)
            continue
        left.pop(0)


class _WriteLock:
    """Another process that writes and does not come to an end: nobody else can write to SQLite."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


class _Repeater:
    """Every message about a job is put into its queue four times more, as soon as it was seen: delivered five times.

    Copies have a delivery tag of their own, as messages that were delivered again have; the tick is left alone, since
    what it fans out is repeated anyway.
    """

    def __init__(self, broker_url: str) -> None:
        self._client = redis.Redis.from_url(broker_url, socket_timeout=1)
        self._done = threading.Event()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._done.is_set():
            try:
                with self._client.monitor() as monitor:  # type: ignore[no-untyped-call]
                    self._listen(monitor)
            except (redis.RedisError, OSError):
                self._done.wait(0.5)  # it is down, or nothing was said for a second

    def _listen(self, monitor: redis.client.Monitor) -> None:
        while not self._done.is_set():
            command = monitor.next_command()["command"]  # type: ignore[no-untyped-call]
            verb, _, rest = command.partition(" ")
            queue, _, message = rest.partition(" ")
            if verb == "LPUSH" and queue in QUEUES:
                self._repeat(queue, message)

    def _repeat(self, queue: str, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        properties = message["properties"]
        if properties["delivery_tag"] in self._seen or message["headers"]["task"].startswith("jobs.process"):
            return
        for _ in range(COPIES):
            tag = str(uuid.uuid4())
            self._seen.add(tag)
            copy = {**message, "properties": {**properties, "delivery_tag": tag}}
            self._client.lpush(queue, json.dumps(copy))
