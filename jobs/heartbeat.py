"""The outbound heartbeat: a call after each cycle to an outside monitor, which alarms when the calls stay away.

Nobody inside can tell that everything inside stands still.
"""

import logging

import requests
from django.conf import settings

from jobs.clusters.registry import open_session

logger = logging.getLogger(__name__)

CALL_S = 10.0


def send() -> None:
    """Call HEARTBEAT_URL, where it is set. A monitor that does not answer is a line in the log, without its address."""
    if settings.HEARTBEAT_URL is None:
        return
    with open_session(connect_s=5, call_s=CALL_S) as session:
        try:
            session.get(settings.HEARTBEAT_URL, allow_redirects=False).raise_for_status()
        except requests.RequestException as error:
            logger.warning("The monitor of HEARTBEAT_URL did not take the heartbeat (%s)", type(error).__name__)
