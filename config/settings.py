"""Django settings; what an operator can set stands in `config.environment`."""

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.brand import brand
from config.duties import DUTIES
from config.engines import database, key_providers, mail
from config.environment import BASE_DIR
from config.logs import configured_logging
from config.reading import development_secret_key, read_environment
from lightspeed.clusters import CLUSTERS
from lightspeed.oauth.registry import PROVIDERS

ENVIRONMENT = read_environment()
IS_PRODUCTION = ENVIRONMENT.mode == "production"

SECRET_KEY = (
    ENVIRONMENT.secret_key.get_secret_value()
    if ENVIRONMENT.secret_key
    else development_secret_key(ENVIRONMENT.data_dir)
)
DEBUG = False
ALLOWED_HOSTS = ENVIRONMENT.hosts or ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DATABASES = {"default": database(ENVIRONMENT)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Counters of the login limits must be shared by all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "latchkey_cache",
    }
}

INSTALLED_APPS = [
    "config.apps.SiteConfig",
    "onboarding",
    "keyvault",
    "onboarding.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "config.proxies.TrustedProxyMiddleware",
    "config.requestlog.RequestLogMiddleware",
    "config.tracing.middleware.TracingMiddleware",
    "config.headers.SafeHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.shortcut.ApiShortcutMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "onboarding.people.middleware.PersonLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "onboarding.people.timeouts.SessionTimeoutMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "onboarding.people.middleware.UnknownRecordMiddleware",
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
                "csp.context_processors.nonce",
                "onboarding.people.context.operator",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# People: e-mail and password, through django-allauth.
AUTH_USER_MODEL = "onboarding.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name, "OPTIONS": options}
    for name, options in (
        ("onboarding.people.passwords.UnlikeTheAddress", {}),
        ("onboarding.people.passwords.LongEnough", {"min_length": 10}),
        ("django.contrib.auth.password_validation.CommonPasswordValidator", {}),
        ("django.contrib.auth.password_validation.NumericPasswordValidator", {}),
    )
]
ACCOUNT_ADAPTER = "onboarding.people.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "onboarding.people.forms.LoginForm",
    "signup": "onboarding.people.forms.SignupForm",
    "add_email": "onboarding.people.forms.AddEmailForm",
    "change_password": "onboarding.people.forms.ChangePasswordForm",
    "set_password": "onboarding.people.forms.SetPasswordForm",
    "reset_password": "onboarding.people.forms.ResetPasswordForm",
    "reset_password_from_key": "onboarding.people.forms.ResetPasswordKeyForm",
    "reauthenticate": "onboarding.people.forms.ReauthenticateForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# The session lives as long as SESSION_COOKIE_AGE says; nobody is asked at the door.
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "onboarding.people.second_step.SealingAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
# Browsers give passkeys to pages of this machine, and allauth must say so too.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_PRODUCTION
MFA_FORMS = {
    "authenticate": "onboarding.people.forms.AuthenticateForm",
    "reauthenticate": "onboarding.people.forms.ReauthenticateCodeForm",
    "activate_totp": "onboarding.people.forms.ActivateTOTPForm",
    "add_webauthn": "onboarding.people.forms.AddWebAuthnForm",
    "edit_webauthn": "onboarding.people.forms.EditWebAuthnForm",
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
SIGNUP_OPEN = ENVIRONMENT.signup_open
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# English and Dutch are complete; German and French, too, with wording checked by machine only.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("nl", _("Dutch")), ("de", _("German")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"

STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.static_dir or ENVIRONMENT.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Whoever sends writes to the outbox; workers bring it on its way by the transport.
_MAIL = mail(ENVIRONMENT)
NOTICES_TRANSPORT = _MAIL.pop("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_BACKEND = "onboarding.notices.backend.OutboxBackend"
for _name, _value in _MAIL.items():
    globals()[_name] = _value
# For links in mails that no request writes.
SITE_URL = (
    f"https://{ENVIRONMENT.hosts[0]}" if IS_PRODUCTION else f"http://127.0.0.1:{ENVIRONMENT.port}"
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.mail_from
# The sender of the envelope; empty: the same.
NOTICES_BOUNCES_TO = ENVIRONMENT.bounces_to or ""

# Browser safety. The plain cookie names are for http on this machine only.
_COOKIE_PREFIX = "__Host-" if IS_PRODUCTION else "latchkey_"
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrf"
LANGUAGE_COOKIE_NAME = f"{_COOKIE_PREFIX}language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = 2 * 3600
SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
# Both are believed from these alone; config.proxies takes them out of everybody else's requests.
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# Probes come from inside the network, by plain http.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# In the session: the other storage makes a cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# The vault. An endpoint is a name, so that a credential never carries an address of its own.
KEYVAULT_KEYRING = ENVIRONMENT.keyring or ENVIRONMENT.data_dir / "keyring.json"
KEYVAULT_CHECKPOINTS = ENVIRONMENT.checkpoints or ENVIRONMENT.data_dir / "checkpoints.jsonl"
KEYVAULT_KEY_FILE = ENVIRONMENT.key_file or ENVIRONMENT.data_dir / "backup-keys.jsonl"
KEYVAULT_KEY_FILE_DAYS = ENVIRONMENT.key_file_days
KEYVAULT_CHECKPOINT_WEBHOOK = ENVIRONMENT.checkpoint_webhook
KEYVAULT_CHECKPOINT_LOG = ENVIRONMENT.checkpoint_log
KEYVAULT_KEK = key_providers(ENVIRONMENT)
# Dotted path of what is told of an alert; it gets the alert's id. None: alerts stand on their page.
KEYVAULT_ON_ALERT: str | None = "onboarding.staff.alerts.tell_staff"
# Dotted path of what tells staff that a webhook's address was switched off; gets `endpoint_id`.
KEYVAULT_WEBHOOK_DISABLED = "onboarding.staff.webhooks.tell_switched_off"
# How many secrets an actor of each kind opens in a minute before staff are told.
KEYVAULT_OPENS_PER_MINUTE = {
    "person": 60,
    "command": 600,
    "system": 6000,
    "backend": ENVIRONMENT.backend_opens_per_minute,
}
# Dotted path of what is put around each duty.
KEYVAULT_DUTY_OBSERVER = "config.tracing.startup.traced"
KEYVAULT_DUTIES = DUTIES
KEYVAULT_ENDPOINTS = {
    **{f"ecom-{name}": cluster.base_url for name, cluster in CLUSTERS.items()},
    **{name: provider.api_url for name, provider in PROVIDERS.items()},
    "retail-r-key": PROVIDERS["retail-r"].api_url,
}
# The boxes that a key of eCom must have ticked, and that the walkthrough asks for.
LIGHTSPEED_REQUIRED_PERMISSIONS = ENVIRONMENT.required_permissions
# Addresses inside our own network that the vendor client may reach: the simulator, nothing else.
LIGHTSPEED_ALLOWED_ADDRESSES: list[str] = []
# Where all OAuth providers stand in development; empty: at their own addresses.
LIGHTSPEED_OAUTH_ORIGIN = ""
if not IS_PRODUCTION:
    _SIMULATORS = [f"127.0.0.1:{ENVIRONMENT.simulator_port + step}" for step in (0, 1)]
    LIGHTSPEED_ALLOWED_ADDRESSES = _SIMULATORS
    KEYVAULT_ENDPOINTS = {
        **dict.fromkeys(KEYVAULT_ENDPOINTS, f"http://{_SIMULATORS[0]}/"),
        "ecom-us1": f"http://{_SIMULATORS[1]}/",
    }
    LIGHTSPEED_OAUTH_ORIGIN = f"http://{_SIMULATORS[0]}"

KEYVAULT_FIXED_WINDOWS = ENVIRONMENT.fixed_windows
KEYVAULT_TRANSIT_SECONDS = ENVIRONMENT.vendor_latency_ms / 1000
KEYVAULT_TOKEN_REQUESTS_PER_MINUTE = ENVIRONMENT.token_requests_per_minute
KEYVAULT_RATE_LIMIT_READER = "lightspeed.ratelimits.read_rate_limit_headers"
# Who renews OAuth grants, how long one call of a vendor may take, how many run at the same time.
KEYVAULT_RENEWER = "onboarding.oauth.renewer.RENEWER"
KEYVAULT_TOKEN_CALL_SECONDS = 30
KEYVAULT_RENEWAL_THREADS = 8

LOGGING = configured_logging(as_json=IS_PRODUCTION)

BRAND = brand(
    colour=ENVIRONMENT.brand_colour,
    colour_dark=ENVIRONMENT.brand_colour_dark,
    logo=ENVIRONMENT.brand_logo,
    logo_dark=ENVIRONMENT.brand_logo_dark,
)
OPERATOR = {
    "name": ENVIRONMENT.operator_name,
    "support_email": ENVIRONMENT.support_email,
    **BRAND.shown(),
}
# A letter refers to it as cid:brand-logo, and carries it.
NOTICES_LOGO = BRAND.mail_logo()
