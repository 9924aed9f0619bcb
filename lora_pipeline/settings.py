"""All settings. What an operator may change is an environment variable, read here and documented in README.

Names are contracts. A value that cannot be parsed stops the program with the variable's name; a value
that parses but makes no sense is a system check (see lora_pipeline.checks).
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import environ

from accounts import redaction
from lora_pipeline import database, environment, log

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / ".local"
env = environ.Env()

# -- Web ------------------------------------------------------------------------------------------------
DEBUG = environment.switch("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")  # an empty key is refused by Django at first use
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # former ones: what they signed stays valid
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_SSL_REDIRECT = environment.switch("SECURE_SSL_REDIRECT", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page
SECURE_HSTS_SECONDS = environment.number("SECURE_HSTS_SECONDS", default=31_536_000 if SECURE_SSL_REDIRECT else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL_REDIRECT else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Health checks come from load balancers that speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/?$", r"^ready/?$"]

ROOT_URLCONF = "lora_pipeline.urls"
WSGI_APPLICATION = "lora_pipeline.wsgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "lora_pipeline.api_errors.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "job-list"
LOGOUT_REDIRECT_URL = "login"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # datasets go straight to storage, so no request is large

INSTALLED_APPS = [
    "lora_pipeline.admin_config.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "csp",
    "accounts",
    "datasets",
    "jobs",
    "notifications",
    "lora_pipeline",
]

MIDDLEWARE = [
    # What adds headers comes first: then answers of the others have them too, refusals included.
    "django.middleware.security.SecurityMiddleware",
    # Scripts and styles, of which a page fetches some ninety, go without the headers that concern pages alone.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lora_pipeline.headers.protective",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "lora_pipeline.compression.Compressed",
    "lora_pipeline.url_paths.normal_path",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenancy.middleware.one_viewer_per_request",
    "django.contrib.messages.middleware.MessageMiddleware",
    "lora_pipeline.error_pages.ForPeople",
    "lora_pipeline.admin_values.RefuseImpossibleValues",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "notifications.context_processors.unread_count",
                "lora_pipeline.context_processors.processing",
                "lora_pipeline.theme.theme",
            ],
        },
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# -- Static files: ours, and browser libraries from installed packages -----------------------------------


def _package_dir(package: str, *parts: str) -> Path:
    """Where an installed package lies, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"The package {package} is not installed: run `pip install -r requirements.txt`")
    return Path(spec.origin).parent.joinpath(*parts)


STATIC_URL = "static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_ROOT = env.path("STATIC_ROOT", default=str(LOCAL_DIR / "static"))()
STATICFILES_DIRS: list[Any] = [
    BASE_DIR / "static",
    ("vendor/uplot", _package_dir("youplot", "vendor")),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "lora_pipeline.static_files.StaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    # No page is exempted; those that upload may also connect to storage (datasets.views).
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    }
}

# -- Database -------------------------------------------------------------------------------------------
_WEB_DATABASE = env.str("DATABASE_URL", default="") or f"sqlite:///{LOCAL_DIR / 'db.sqlite3'}"
DATABASE_ROLES = {
    database.WEB: environment.database("DATABASE_URL", default=_WEB_DATABASE),
    database.WORKER: environment.database("WORKER_DATABASE_URL", default=_WEB_DATABASE),
    database.MIGRATE: environment.database("MIGRATE_DATABASE_URL", default=_WEB_DATABASE),
}
DATABASES: dict[str, Any] = {"default": dict(DATABASE_ROLES[database.variable_for(sys.argv)])}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers queue up instead of failing: take the write lock at BEGIN and wait for it.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        timeout=20,
        transaction_mode="IMMEDIATE",
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    )
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["ENGINE"] = "tenancy.postgresql"  # Django's, with row-level security
DATABASES["default"]["CONN_MAX_AGE"] = environment.number("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A server that is gone without a word: by default a thread would wait for it for hours.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,  # milliseconds
        **DATABASES["default"].get("OPTIONS", {}),
    }

# -- Celery ---------------------------------------------------------------------------------------------
POLL_INTERVAL_SECONDS = environment.number("POLL_INTERVAL_SECONDS", default=30)
CELERY_BROKER_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_ROUTES = {
    "jobs.poll_jobs": {"queue": "poll"},
    "jobs.collect_artifact": {"queue": "data"},
    "jobs.fetch_checkpoints": {"queue": "data"},
    "jobs.sweep_orphans": {"queue": "data"},
    "jobs.*_logs": {"queue": "data"},
    "jobs.send_heartbeat": {"queue": "deliver"},
    "datasets.*": {"queue": "data"},
    "notifications.*": {"queue": "deliver"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Whoever publishes does not wait for a broker that is gone: the next cycle finds the rows.
    "max_retries": 0,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "visibility_timeout": 3600,
    # kombu looks for unacknowledged messages of dead workers only every 100th loop otherwise.
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
EVENT_NUDGE_TASK = "notifications.deliver_events"
HEARTBEAT_URL = env.str("HEARTBEAT_URL", default="") or None

# -- Storage (S3-compatible) ------------------------------------------------------------------------------
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="") or None
S3_PUBLIC_ENDPOINT_URL = env.str("S3_PUBLIC_ENDPOINT_URL", default="") or S3_ENDPOINT_URL
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", default="") or None
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", default="") or None
S3_REGION = env.str("S3_REGION", default="us-east-1")
S3_BUCKETS = {
    "lora-datasets": env.str("S3_BUCKET_LORA_DATASETS", default="lora-datasets"),
    "training-files": env.str("S3_BUCKET_TRAINING_FILES", default="training-files"),
    "lora-models": env.str("S3_BUCKET_LORA_MODELS", default="lora-models"),
}
SIGNED_URL_TTL_SECONDS = environment.number("SIGNED_URL_TTL_SECONDS", default=3600)
UPLOAD_MAX_BYTES = environment.number("UPLOAD_MAX_BYTES", default=5 * 1024**3)

# -- GPU clusters ------------------------------------------------------------------------------------------
# Like DATABASES: one entry per cluster, each with its driver. A new driver is a class named here.
GPU_CLUSTERS = {
    "default": {
        "DRIVER": env.str("GPU_CLUSTER_DRIVER", default="http"),
        "URL": env.str("GPU_CLUSTER_API_URL", default=""),
        "KEY": env.str("GPU_CLUSTER_API_KEY", default=""),
    }
}
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="").rstrip("/") or None
# Ours as people see it, for links that leave the house.
SITE_URL = env.str("SITE_URL", default="").rstrip("/") or PUBLIC_BASE_URL
JOB_MAX_RUNTIME_SECONDS = environment.number("JOB_MAX_RUNTIME_SECONDS", default=3 * 24 * 3600)
JOB_AUTOMATIC_RESUBMISSIONS = environment.number("JOB_AUTOMATIC_RESUBMISSIONS", default=2)

# -- Notifications that leave the house ------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_CONFIGURED = bool(EMAIL_URL)  # without it there is no e-mail, and the pages say so
globals().update(environment.mail_server("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="")
DELIVERIES_KEEP_DAYS = environment.number("DELIVERIES_KEEP_DAYS", default=90)
WEBHOOK_ALLOW_PRIVATE = environment.switch("WEBHOOK_ALLOW_PRIVATE", default=False)

# -- API ---------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.WebSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["lora_pipeline.api_envelope.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": ["lora_pipeline.api_envelope.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "lora_pipeline.api_envelope.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "lora_pipeline.api_schema.EnvelopeSchema",
    "EXCEPTION_HANDLER": "lora_pipeline.api_errors.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.ScopedRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.str("API_RATE_USER", default="1200/min"),
        "anon": env.str("API_RATE_ANON", default="60/min"),
        "create": env.str("API_RATE_CREATE", default="60/min"),
        "callback": env.str("API_RATE_CALLBACK", default="6000/min"),
        "login": env.str("API_RATE_LOGIN", default="10/min"),
    },
    # How many reverse proxies stand before us: so many entries of X-Forwarded-For can be believed.
    "NUM_PROXIES": environment.number("NUM_PROXIES", default=0),
    "URL_FORMAT_OVERRIDE": None,  # ?format= may be a filter
    "COERCE_DECIMAL_TO_STRING": False,
    "UNICODE_JSON": True,
    "DEFAULT_VERSIONING_CLASS": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None, "TOKEN_MODEL": "accounts.ApiToken"}
REST_KNOX["TOKEN_PREFIX"] = redaction.API_TOKEN_PREFIX  # what it is can be seen, by people and by secret scanners
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - a model's name
MIGRATION_MODULES = {"knox": None}  # its own token table would stay empty, and in the way of a flush
SPECTACULAR_SETTINGS = {
    "TITLE": "LoRA Pipeline API",
    "DESCRIPTION": "Datasets, LoRA training jobs, costs and notifications.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api",
    "POSTPROCESSING_HOOKS": [],  # enums stay where they are used: pulled out, same names would collide
}

LOGGING = log.config(environment.log_level("LOG_LEVEL", default="INFO"))
