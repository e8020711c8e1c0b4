# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The review resources: questions about identity and access, answered and not stored."""

from __future__ import annotations

from collections.abc import Callable

from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.identity import Attributes, Authenticate, Authorize, RequestIdentity, User

_Answer = Callable[[Obj, User, "str | None"], Obj]
SELF_REVIEWS = frozenset(["selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"])


class Reviews:
    """Answers review objects with the server's own authentication and authorisation."""

    def __init__(self, authenticate: Authenticate, authorize: Authorize) -> None:
        self._authenticate = authenticate
        self._authorize = authorize
        self._answers: dict[str, _Answer] = {
            "tokenreviews": self._token,
            "selfsubjectreviews": self._self,
            "selfsubjectaccessreviews": self._self_access,
            "selfsubjectrulesreviews": self._rules,
            "subjectaccessreviews": self._access,
            "localsubjectaccessreviews": self._access,
        }

    def knows(self, plural: str) -> bool:
        """Whether this is a review resource."""
        return plural in self._answers

    def answer(self, plural: str, review: Obj, user: User, namespace: str | None) -> Obj:
        """The review with its status."""
        return {**review, "status": self._answers[plural](review.get("spec") or {}, user, namespace)}

    def _token(self, spec: Obj, user: User, namespace: str | None) -> Obj:
        found = self._authenticate(RequestIdentity(authorization=f"Bearer {spec.get('token', '')}"))
        if found is None or found.name == "system:anonymous":
            return {"authenticated": False, "error": "the token is not valid for this server"}
        return {"authenticated": True, "user": _user_info(found)}

    def _self(self, spec: Obj, user: User, namespace: str | None) -> Obj:
        return {"userInfo": _user_info(user)}

    def _self_access(self, spec: Obj, user: User, namespace: str | None) -> Obj:
        return self._decide(spec, user)

    def _access(self, spec: Obj, user: User, namespace: str | None) -> Obj:
        return self._decide(spec, User(str(spec.get("user", "")), tuple(spec.get("groups") or ())))

    def _decide(self, spec: Obj, user: User) -> Obj:
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if resource is not None:
            attributes = Attributes(
                resource.get("group", ""),
                resource.get("version", ""),
                resource.get("namespace") or None,
                resource.get("name") or None,
                resource.get("subresource") or None,
            )
            return {
                "allowed": self._authorize(user, resource.get("verb", ""), resource.get("resource", ""), attributes)
            }
        path = path or {}
        return {"allowed": self._authorize(user, path.get("verb", ""), "", Attributes(path=path.get("path", "/")))}

    def _rules(self, spec: Obj, user: User, namespace: str | None) -> Obj:
        # Access is a function here, not a list of rules: only "everything" can be told.
        everything = self._authorize(user, "*", "*", Attributes(group="*", namespace=spec.get("namespace")))
        rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}] if everything else []
        paths = [{"verbs": ["*"], "nonResourceURLs": ["*"]}] if everything else []
        return {"resourceRules": rules, "nonResourceRules": paths, "incomplete": not everything}


def _user_info(user: User) -> Obj:
    answer: Obj = {"username": user.name, "groups": list(user.groups)}
    return {**answer, "uid": user.uid} if user.uid else answer
