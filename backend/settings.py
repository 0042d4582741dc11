"""The Django project's settings; the names that users may set are listed in README.md."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from environs import validate

from backend import storage
from backend.env import env, prepare_folder, read, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(str(BASE_DIR / ".env"), recurse=False)

# A server of one's own may be any host, without a top-level domain.
_ADDRESS = validate.URL(schemes={"http", "https"}, require_tld=False)

DATA_DIR = BASE_DIR / read("path", "DATA_DIR", Path("var"))
DEBUG = read("bool", "DEBUG", False)
# Its owner only: everybody's documents lie in it.
prepare_folder(DATA_DIR)
SECRET_KEY = read("str", "SECRET_KEY", None) or secret_key(DATA_DIR)
PORT = read("int", "PORT", 8000, validate=validate.Range(1, 65535))
ALLOWED_HOSTS = read("list", "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "backend.console.admin_app.OurAdminConfig",
    "django.contrib.messages",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_apscheduler",
    "knowledge",
    "backend.accounts",
    "backend.jobs",
    "backend.chat",
    "backend.library",
    "backend.console",
    "bot",
    "management",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "backend.urls"
ASGI_APPLICATION = "backend.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                # For the Django admin.
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "askwell.sqlite3",
        "OPTIONS": {
            # Several processes write: IMMEDIATE waits for the lock instead of failing midway.
            # FULL, because what was acknowledged must survive a power cut; secure_delete,
            # because removed text must leave the file.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "PRAGMA secure_delete=ON;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "originals"
ORIGINALS_STORAGE = read(
    "str", "ORIGINALS_STORAGE", storage.FILE, validate=validate.OneOf(storage.KINDS)
)
S3_BUCKET = read("str", "S3_BUCKET", "")
S3_ENDPOINT_URL = read("str", "S3_ENDPOINT_URL", "", validate=_ADDRESS)
S3_REGION = read("str", "S3_REGION", "")
S3_ACCESS_KEY_ID = read("str", "S3_ACCESS_KEY_ID", "")
S3_SECRET_ACCESS_KEY = read("str", "S3_SECRET_ACCESS_KEY", "")
CLOUDINARY_CLOUD_NAME = read("str", "CLOUDINARY_CLOUD_NAME", "")
CLOUDINARY_API_KEY = read("str", "CLOUDINARY_API_KEY", "")
CLOUDINARY_API_SECRET = read("str", "CLOUDINARY_API_SECRET", "")
CLOUDINARY_API_URL = read("str", "CLOUDINARY_API_URL", "", validate=_ADDRESS)
_OPTIONS: dict[str, dict[str, str]] = {
    storage.FILE: {},
    storage.S3: {
        "bucket_name": S3_BUCKET,
        "endpoint_url": S3_ENDPOINT_URL,
        "region_name": S3_REGION,
        "access_key": S3_ACCESS_KEY_ID,
        "secret_key": S3_SECRET_ACCESS_KEY,
    },
    storage.CLOUDINARY: {
        "cloud_name": CLOUDINARY_CLOUD_NAME,
        "api_key": CLOUDINARY_API_KEY,
        "api_secret": CLOUDINARY_API_SECRET,
        "api_url": CLOUDINARY_API_URL,
    },
}
STORAGES = {
    "default": storage.originals_storage(ORIGINALS_STORAGE, **_OPTIONS[ORIGINALS_STORAGE]),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "backend.logs.RedactingFormatter",
            "format": "%(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # faiss tells how it was loaded, the SDKs' HTTP client every address that it calls.
    # uvicorn's own handlers would print what the formatter takes out.
    # pypdf tells of every oddity that it reads over.
    "loggers": {
        "uvicorn": {"handlers": [], "propagate": True},
        "uvicorn.error": {"level": "WARNING"},
        # --no-access-log is undone where the logger above it is set up anew.
        "uvicorn.access": {"handlers": [], "propagate": False},
        "pypdf": {"level": "ERROR"},
        # Each start of a job; what it did is told by us.
        "apscheduler": {"level": "WARNING"},
        # A time that came while the job still ran is in its log.
        "apscheduler.scheduler": {"level": "ERROR"},
        # Bolt warns of the token in its environment, which we give it with the client.
        "bot.slack.bolt": {"level": "ERROR"},
    }
    | {name: {"level": "WARNING"} for name in ("faiss", "httpx", "httpx2", "google_genai")},
}

GOOGLE_API_KEY = read("str", "GOOGLE_API_KEY", "")
GEMINI_BASE_URL = read("str", "GEMINI_BASE_URL", "", validate=_ADDRESS)
GEMINI_CHAT_MODEL = read("str", "GEMINI_CHAT_MODEL", "gemini-3.6-flash")
GEMINI_EMBEDDING_MODEL = read("str", "GEMINI_EMBEDDING_MODEL", "gemini-embedding-001")
OPENROUTER_API_KEY = read("str", "OPENROUTER_API_KEY", "")
OPENAI_API_KEY = read("str", "OPENAI_API_KEY", OPENROUTER_API_KEY)
_ON_OPENROUTER = bool(OPENROUTER_API_KEY) and OPENAI_API_KEY == OPENROUTER_API_KEY
OPENAI_BASE_URL = read(
    "str",
    "OPENAI_BASE_URL",
    "https://openrouter.ai/api/v1" if _ON_OPENROUTER else "",
    validate=_ADDRESS,
)
OPENAI_CHAT_MODEL = read(
    "str", "OPENAI_CHAT_MODEL", "openai/gpt-4o-mini" if _ON_OPENROUTER else "gpt-4o-mini"
)
OPENAI_EMBEDDING_MODEL = read(
    "str",
    "OPENAI_EMBEDDING_MODEL",
    "openai/text-embedding-3-small" if _ON_OPENROUTER else "text-embedding-3-small",
)
EMBEDDINGS = read(
    "str", "EMBEDDINGS", "auto", validate=validate.OneOf(["auto", "gemini", "openai", "local"])
)
GENERAL_ANSWERS = read(
    "str", "GENERAL_ANSWERS", "marked", validate=validate.OneOf(["marked", "off"])
)
LOCAL_MODEL_DIR = DATA_DIR / "minilm-int8"
SNAPSHOT_DIR = DATA_DIR / "snapshots"
CHUNK_SIZE = read("int", "CHUNK_SIZE", 500, validate=validate.Range(50, 20_000))
CHUNK_OVERLAP = read(
    "int", "CHUNK_OVERLAP", min(50, CHUNK_SIZE - 1), validate=validate.Range(0, CHUNK_SIZE - 1)
)
TOP_K = read("int", "TOP_K", 8, validate=validate.Range(1, 50))
# Unset, the embedding model's own measured threshold counts.
SIMILARITY_THRESHOLD = read("float", "SIMILARITY_THRESHOLD", None, validate=validate.Range(0, 1))
# Below any of them a picture's own text says too little, and a model is asked what it shows.
OCR_TEXT_COVERAGE_THRESHOLD = read(
    "float", "OCR_TEXT_COVERAGE_THRESHOLD", 0.1, validate=validate.Range(0, 1)
)
OCR_BOX_DENSITY_THRESHOLD = read(
    "float", "OCR_BOX_DENSITY_THRESHOLD", 0.05, validate=validate.Range(0)
)
OCR_CONFIDENCE_THRESHOLD = read(
    "float", "OCR_CONFIDENCE_THRESHOLD", 50.0, validate=validate.Range(0, 100)
)
WATCH_FOLDERS = [
    BASE_DIR / folder for folder in read("list", "WATCH_FOLDERS", ["documents"], subcast=Path)
]
# Seconds between two runs of each job, and days that what was asked and answered is kept.
_SPAN, _DAY = validate.Range(1, 366 * 86_400), 86_400
CLEAN_HISTORY_INTERVAL = read("int", "CLEAN_HISTORY_INTERVAL", _DAY, validate=_SPAN)
REINDEX_INTERVAL = read("int", "REINDEX_INTERVAL", 60, validate=_SPAN)
REEMBED_INTERVAL = read("int", "REEMBED_INTERVAL", 60, validate=_SPAN)
MEND_INTERVAL = read("int", "MEND_INTERVAL", 3600, validate=_SPAN)
REFRESH_PEOPLE_INTERVAL = read("int", "REFRESH_PEOPLE_INTERVAL", 300, validate=_SPAN)
PURGE_INTERVAL = read("int", "PURGE_INTERVAL", 3600, validate=_SPAN)
DIGEST_INTERVAL = read("int", "DIGEST_INTERVAL", 7 * _DAY, validate=_SPAN)
BACKUP_INTERVAL = read("int", "BACKUP_INTERVAL", _DAY, validate=_SPAN)
CHAT_RETENTION_DAYS = read("int", "CHAT_RETENTION_DAYS", 30, validate=validate.Range(1, 36_500))
SLACK_BOT_TOKEN = read("str", "SLACK_BOT_TOKEN", "")
SLACK_APP_TOKEN = read("str", "SLACK_APP_TOKEN", "")
SLACK_SIGNING_SECRET = read("str", "SLACK_SIGNING_SECRET", "")
SLACK_API_URL = read("str", "SLACK_API_URL", "https://slack.com/api/", validate=_ADDRESS)
_GATEWAY = validate.URL(schemes={"ws", "wss"}, require_tld=False)
DISCORD_TOKEN = read("str", "DISCORD_TOKEN", "")
DISCORD_API_URL = read(
    "str", "DISCORD_API_URL", "https://discord.com/api/v10", validate=_ADDRESS
).rstrip("/")
DISCORD_GATEWAY_URL = read(
    "str", "DISCORD_GATEWAY_URL", "wss://gateway.discord.gg/", validate=_GATEWAY
)
DISCORD_MESSAGE_CONTENT = read("bool", "DISCORD_MESSAGE_CONTENT", False)
# What the web process serves for platforms that send over HTTP.
PLATFORM_URLS = ["bot.slack.urls"]
BACKUP_KEEP = read("int", "BACKUP_KEEP", 7, validate=validate.Range(1, 1000))
INDEX_MEMORY_BYTES = 512 * 1024 * 1024
SIGN_IN_LINK_LIFETIME = timedelta(hours=1)
