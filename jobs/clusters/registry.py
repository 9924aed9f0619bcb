"""Which clusters there are, and the driver of each: settings.GPU_CLUSTERS, read like DATABASES.

    {"default": {"DRIVER": "http", "URL": "https://…", "KEY": "…"}}

DRIVER is an alias below or the dotted path of a class made with keywords `url`, `key` and `session`.
"""

import os
from collections.abc import Callable
from functools import cache
from http.cookiejar import DefaultCookiePolicy

import requests
from django.conf import settings
from django.utils.module_loading import import_string

from jobs.clusters.base import Cluster, Unreachable
from jobs.clusters.http.deadline import DeadlineAdapter, DirectSession

ALIASES = {"http": "jobs.clusters.http.driver.HttpCluster"}
CONNECT_S = 5.0
CALL_S = 20.0


def cluster_names() -> list[str]:
    """The names in settings.GPU_CLUSTERS."""
    return list(settings.GPU_CLUSTERS)


def open_cluster(name: str) -> Cluster:
    """The cluster of that name. Raises Unreachable, with what to set, when it is not configured."""
    config = settings.GPU_CLUSTERS.get(name)
    if config is None:
        raise Unreachable(f"There is no cluster {name!r} in GPU_CLUSTERS.", code="setting")
    if not config.get("URL"):
        raise Unreachable("No GPU cluster is configured: set GPU_CLUSTER_API_URL.", code="setting")
    cluster: Cluster = driver_class(config.get("DRIVER", "http"))(
        url=config["URL"], key=config.get("KEY", ""), session=_shared_session()
    )
    return cluster


def driver_class(driver: str) -> Callable[..., Cluster]:
    """The class behind an alias or a dotted path. Raises ImportError."""
    found: Callable[..., Cluster] = import_string(ALIASES.get(driver, driver))
    return found


def open_session(*, connect_s: float = CONNECT_S, call_s: float = CALL_S) -> requests.Session:
    """A session whose calls last at most `call_s` seconds as a whole, `connect_s` of them for connecting."""
    session = DirectSession()
    session.headers["User-Agent"] = "lora-pipeline"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = DeadlineAdapter(connect_s=connect_s, call_s=call_s)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


@cache
def _shared_session() -> requests.Session:
    return open_session()


# A forked worker must not share its parent's connections.
os.register_at_fork(after_in_child=_shared_session.cache_clear)
