"""django-oauth-toolkit as an authorization server: registration, client credentials, introspection; opaque tokens.

argv[1]: the options, as tests/peers/src/django_toolkit.rs writes them. Its database lies in the working folder.
"""

import json
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

OPTIONS = json.loads(sys.argv[1])

settings.configure(
    DEBUG=False,
    SECRET_KEY="signs nothing but sessions of tests, which there are none of",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "database.sqlite3"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "SCOPES": {**{scope: scope for scope in OPTIONS["scopes"]}, "introspection": "introspection"},
        "DEFAULT_SCOPES": OPTIONS["scopes"][:1],
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "ACCESS_TOKEN_EXPIRE_SECONDS": OPTIONS["token_lifetime"],
    },
)
django.setup()

urlpatterns = [path("", include("oauth2_provider.urls"))]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        print(f"request {self.command} {self.path.split('?')[0]}", flush=True)


def main():
    call_command("migrate", verbosity=0)
    from oauth2_provider.models import Application

    for client in OPTIONS["clients"]:
        Application.objects.get_or_create(
            client_id=client["client_id"],
            defaults={
                "client_secret": client["client_secret"],
                "client_type": "confidential",
                "authorization_grant_type": "client-credentials",
                "name": client["client_id"],
            },
        )
    server = make_server("127.0.0.1", OPTIONS["port"], get_wsgi_application(), Server, Handler)
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
