# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From request to answer: who asks, may they, and which part of the server replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.k3s_standin.api import discovery, openapi
from lab.k3s_standin.api.errors import ApiError, Obj, forbidden
from lab.k3s_standin.api.handlers import ResourceHandler
from lab.k3s_standin.api.http import Handler, Request, Response
from lab.k3s_standin.api.identity import ANONYMOUS, Attributes, Authenticate, Authorize, User
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.paths import Target, parse
from lab.k3s_standin.api.registry import unknown_path
from lab.k3s_standin.api.reviews import SELF_REVIEWS, Reviews

# (ServiceAccount object, TokenRequest object) -> (token, seconds it is valid)
IssueToken = Callable[[Obj, Obj], "tuple[str, int]"]

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_HEALTH = ("/healthz", "/livez", "/readyz")


class Router:
    """Answers every request."""

    def __init__(
        self,
        operations: Operations,
        version: str,
        authenticate: Authenticate,
        authorize: Authorize,
        extra_routes: Mapping[str, Handler],
        issue_token: IssueToken | None,
    ) -> None:
        self._operations = operations
        self._registry = operations.registry
        self._version = version
        self._authenticate = authenticate
        self._authorize = authorize
        self._extra = sorted(extra_routes.items(), key=lambda item: -len(item[0]))
        self._issue_token = issue_token
        self._reviews = Reviews(authenticate, authorize)
        self._resources = ResourceHandler(operations)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        request.user = self._authenticate(request.identity)
        for prefix, handler in self._extra:
            if request.path == prefix or request.path.startswith(prefix.rstrip("/") + "/"):
                return handler(request)
        if request.user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        target = parse(request.path)
        if target is None:
            return self._document(request, request.user)
        return self._resource(request, request.user, target)

    def _document(self, request: Request, user: User) -> Response:
        path = request.path.rstrip("/") or "/"
        verb = _VERBS.get(request.method, "").replace("create", "post")
        if not self._authorize(user, verb, "", Attributes(path=path)):
            raise forbidden(f'forbidden: User "{user.name}" cannot {verb} path "{path}"')
        if path.startswith(_HEALTH):
            return Response(200, b"ok", "text/plain; charset=utf-8")
        if path == "/openapi/v2" and "protobuf" in request.headers.get("accept", ""):
            return Response(200, openapi.v2_protobuf(), openapi.PROTOBUF)
        if path in ("/api", "/apis") and (wanted := _aggregated(request)):
            body = discovery.aggregated(self._registry, path == "/api", wanted)
            return Response.json(body, content_type=discovery.AGGREGATED.format(wanted))
        body = self._json_document(path, request)
        if body is None:
            raise unknown_path()
        return Response.json(body)

    def _json_document(self, path: str, request: Request) -> Any:
        parts = path.strip("/").split("/")
        fixed: dict[str, Callable[[], Any]] = {
            "/": lambda: {"paths": ["/api", "/apis", *_HEALTH, "/openapi/v2", "/openapi/v3", "/version"]},
            "/version": self._version_info,
            "/api": lambda: discovery.api_versions(request.headers.get("host", "")),
            "/apis": lambda: discovery.group_list(self._registry),
            "/openapi/v2": openapi.v2_json,
            "/openapi/v3": lambda: openapi.index(self._registry),
        }
        if path in fixed:
            return fixed[path]()
        if path.startswith("/openapi/v3/"):
            group, version = ("", parts[3]) if parts[2] == "api" and len(parts) == 4 else (parts[-2], parts[-1])
            return openapi.document(self._registry, group, version)
        if parts[0] == "api" and len(parts) == 2:
            return discovery.resource_list(self._registry, "", parts[1])
        if parts[0] == "apis" and len(parts) == 2:
            return discovery.group(self._registry, parts[1])
        if parts[0] == "apis" and len(parts) == 3:
            return discovery.resource_list(self._registry, parts[1], parts[2])
        return None

    def _version_info(self) -> Obj:
        major, minor = self._version.lstrip("v").split(".")[:2]
        return {
            "major": major,
            "minor": minor,
            "gitVersion": self._version,
            "gitCommit": "lab-stand-in",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "none",
            "compiler": "none",
            "platform": "linux/amd64",
        }

    def _resource(self, request: Request, user: User, target: Target) -> Response:
        resource = self._registry.at(target.group, target.version, target.plural)
        verb = _VERBS.get(request.method, "")
        if target.name is None:
            watching = request.query.get("watch") in ("true", "1")
            verb = {"get": "watch" if watching else "list", "delete": "deletecollection"}.get(verb, verb)
        self._check_access(user, verb, target)
        if self._reviews.knows(target.plural) and not resource.custom:
            if verb != "create":
                raise method_not_allowed()
            return Response.json(self._reviews.answer(target.plural, request.json(), user, target.namespace), 201)
        if target.subresource == "token":
            return self._token(request, target)
        return self._resources.answer(request, resource, target, verb, user)

    def _check_access(self, user: User, verb: str, target: Target) -> None:
        if verb == "create" and target.plural in SELF_REVIEWS and user != ANONYMOUS:
            # As upstream's ClusterRole system:basic-user: everybody may ask about themselves.
            return
        attributes = Attributes(target.group, target.version, target.namespace, target.name, target.subresource)
        if self._authorize(user, verb, target.plural, attributes):
            return
        plural = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
        subject = f"{target.plural}.{target.group}" if target.group else target.plural
        subject += f' "{target.name}"' if target.name else ""
        scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
        asked = f'{verb} resource "{plural}" in API group "{target.group}" {scope}'
        details = {"name": target.name or "", "group": target.group, "kind": target.plural}
        raise forbidden(f'{subject} is forbidden: User "{user.name}" cannot {asked}', details)

    def _token(self, request: Request, target: Target) -> Response:
        if request.method != "POST" or self._issue_token is None:
            raise method_not_allowed()
        review = request.json()
        account = self._operations.store.get("serviceaccounts", target.namespace, str(target.name))
        token, seconds = self._issue_token(account, review)
        until = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        review["status"] = {"token": token, "expirationTimestamp": until}
        return Response.json(review, 201)


def method_not_allowed() -> ApiError:
    """The URL exists, the method on it does not."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def _aggregated(request: Request) -> str | None:
    accept = request.headers.get("accept", "")
    if "as=APIGroupDiscoveryList" not in accept:
        return None
    return "v2beta1" if "v=v2beta1" in accept and "v=v2;" not in accept and "v=v2," not in accept else "v2"
