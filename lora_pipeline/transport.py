"""How Celery speaks Redis: kombu's own way, which survives the loss of its broker. lora_pipeline.celery names it.

Who still holds messages of a connection that was lost and closed, a task that has just ended, say, wants to
acknowledge them or hand them back. kombu then tries to connect once more by an address that it has forgotten, and the
AttributeError, which nobody expects, ends the whole worker. Here it is the error of a lost connection, which
everybody does expect. The messages are of no account: rows are the truth, and the next tick finds them.
"""

from typing import Any

from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as Disconnected


class Channel(kombu_redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection.client is None:
            raise Disconnected("The connection to the broker was lost and is closed.")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]


class Transport(kombu_redis.Transport):
    Channel = Channel
