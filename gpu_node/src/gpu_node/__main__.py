"""`python -m gpu_node`: command line in, a serving process out."""

import logging
import os
import sys

from gpu_node.server import StartError, serve
from gpu_node.settings import read_settings


def main() -> int:
    settings = read_settings(sys.argv[1:], os.environ)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    # These log request URLs, and a signed URL is a secret.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        serve(settings, sys.stdout)
    except StartError as error:
        sys.stderr.write(f"gpu_node: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
