"""Stands in for the trainer's installer: this very interpreter will do, nothing needs a package."""

import json
import sys

print(json.dumps({"progress": 50, "text": "Pretending to install"}), flush=True)  # noqa: T201
print(json.dumps({"done": True, "python": sys.executable}), flush=True)  # noqa: T201
