# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: requests to a cluster's API through the official client, answered with plain documents."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any

try:
    from kubernetes import config
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    KUBERNETES_PROBLEM = None
except ImportError:
    KUBERNETES_PROBLEM = traceback.format_exc()

REQUEST_SECONDS = 15
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
MANAGER = "fletcherlabs.homelab"


class ClusterError(Exception):
    """The cluster cannot be asked, or refuses; the message is one sentence."""


class Unreachable(ClusterError):
    """No answer, or none but that of an overloaded or starting server: worth another try."""


class Refusal(ClusterError):
    """The API's own refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Cluster:
    """One cluster."""

    def __init__(self, kubeconfig: str) -> None:
        try:
            self._api = config.new_client_from_config(kubeconfig)
        except config.ConfigException as error:
            raise ClusterError(
                f"{kubeconfig} is no kubeconfig ({error}); build the first server, whose kubeconfig is fetched to there"
            ) from error

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | str | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request; raise Refusal or Unreachable."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            status, reason, data = self._send(method, path, headers, body)
        except ApiException as error:
            raise refusal(error.status or 0, str(error.reason), error.body or "") from error
        except HTTPError as error:
            raise Unreachable(f"the API did not answer: {str(error).splitlines()[0]}") from error
        if not 200 <= status <= 299:
            raise refusal(status, reason, data)
        return json.loads(data)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: Mapping[str, Any] | str | None
    ) -> tuple[int, str, bytes | str]:
        """The client's own way for any path changed with its release 36."""
        if not hasattr(self._api, "param_serialize"):
            options = {"auth_settings": ["BearerToken"], "_preload_content": False, "_return_http_data_only": True}
            answer = self._api.call_api(
                path, method, header_params=headers, body=body, _request_timeout=REQUEST_SECONDS, **options
            )
            return answer.status, answer.reason, answer.data
        request = self._api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = self._api.call_api(*request, _request_timeout=REQUEST_SECONDS)
        return answer.status, answer.reason, answer.read()

    def get(self, path: str) -> dict[str, Any]:
        """Read an object or a list."""
        return self.request("GET", path)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read an object, None where there is none."""
        try:
            return self.request("GET", path)
        except Refusal as error:
            if error.status == 404:
                return None
            raise

    def merge(self, path: str, body: Mapping[str, Any]) -> None:
        """Merge body into an object."""
        self.request("PATCH", path, body, MERGE_PATCH)

    def apply(
        self, path: str, body: Mapping[str, Any], manager: str = MANAGER, rehearsal: bool = False
    ) -> dict[str, Any]:
        """Server-side apply, also of what others applied before; creates what is not there."""
        # as text: the client has no other way for this type, and JSON is YAML
        query = f"?fieldManager={manager}&force=true{'&dryRun=All' if rehearsal else ''}"
        return self.request("PATCH", path + query, json.dumps(body), APPLY_PATCH)


def refusal(status: int, reason: str, body: bytes | str) -> ClusterError:
    """An error answer in one line, with what the API itself said."""
    try:
        said = json.loads(body or "{}").get("message", "")
    except (ValueError, AttributeError):
        said = ""
    text = f"{status} {reason}" + (f": {said}" if said else "")
    if status in (401, 403):
        return Refusal(status, f"the API does not let the kubeconfig's user do this ({text}); fetch it again")
    if status >= 500 or status == 0:
        return Unreachable(f"the API did not answer: {text}")
    return Refusal(status, text)
