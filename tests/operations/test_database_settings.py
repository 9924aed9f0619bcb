"""How long a process waits for a PostgreSQL that is gone without a word: a minute or so, not for ever."""

import json
import os
import subprocess
import sys
from typing import Any

from lora_pipeline.devstack.places import ROOT

ASK = "import json; from lora_pipeline import settings; print(json.dumps(settings.DATABASES['default']['OPTIONS']))"


def options(database_url: str) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 60, "DATABASE_URL": database_url}
    told = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_a_vanished_postgresql_is_noticed() -> None:
    found = options("postgres://user:password@db.example.com/lora")
    assert found["connect_timeout"] == 10
    assert found["keepalives_idle"] + found["keepalives_interval"] * found["keepalives_count"] <= 60
    assert found["tcp_user_timeout"] == 60_000


def test_what_the_url_says_wins() -> None:
    found = options("postgres://user:password@db.example.com/lora?connect_timeout=3&sslmode=require")
    assert (int(found["connect_timeout"]), found["sslmode"]) == (3, "require")


def test_sqlite_is_not_told_of_it() -> None:
    assert "connect_timeout" not in options("sqlite:////tmp/none.sqlite3")
