"""Settings of the test run: the product's own, with secrets that exist only here."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ.setdefault("SECURE_SSL_REDIRECT", "false")

from lora_pipeline.settings import *  # noqa: F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # No manifest: tests do not collect static files.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests do not collect static files either: they come straight from where they lie.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, since threads of one test cannot share an in-memory database; a name of its own, since several
    # runs may stand side by side. Django removes it at the end.
    name = Path(tempfile.gettempdir(), f"lora-pipeline-tests-{os.getpid()}.sqlite3")
    DATABASES["default"]["TEST"] = {"NAME": str(name)}  # noqa: F405
