# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests on resources: query and body in, objects, tables and streams out."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from lab.k3s_standin.api import selectors, streams, subresources, tables
from lab.k3s_standin.api.errors import ApiError, Obj, bad_request
from lab.k3s_standin.api.http import Request, Response
from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.operations import Operations
from lab.k3s_standin.api.paths import Target
from lab.k3s_standin.api.registry import unknown_path
from lab.k3s_standin.api.resources import Resource
from lab.k3s_standin.api.writes import Caller, Place

APPLY = "application/apply-patch+yaml"
_INITIAL_END = "k8s.io/initial-events-end"


class _Call:
    """One request on a resource, with what its query and headers say."""

    def __init__(self, request: Request, resource: Resource, target: Target, user: User) -> None:
        self.request = request
        self.resource = resource
        self.target = target
        self.user = user
        self.query = request.query
        self.namespace = target.namespace if resource.namespaced else None
        self.name = target.name or ""
        agent = request.headers.get("user-agent", "unknown").partition("/")[0]
        self.caller = Caller(user, self.query.get("fieldManager") or agent, "All" in self.query.get("dryRun", ""))
        self.place = Place(resource, self.namespace, self.name, target.subresource)
        self.accept = request.headers.get("accept", "")

    def outgoing(self, obj: Obj) -> Obj:
        """An object in the version that the URL asks for."""
        wanted = self.resource.api_version(self.target.version)
        return obj if obj.get("apiVersion") == wanted else {**obj, "apiVersion": wanted}

    def plain(self) -> bool:
        """Whether stored text can be sent as it is."""
        same = self.target.version == self.resource.storage_version
        return same and "as=Table" not in self.accept and "as=Partial" not in self.accept

    def render(self, obj: Obj) -> Obj:
        """One object in the form the client accepts."""
        obj = self.outgoing(obj)
        if "as=Table" in self.accept:
            return self.table([obj], {"resourceVersion": obj["metadata"].get("resourceVersion", "")})
        return tables.partial(obj) if "as=PartialObjectMetadata" in self.accept else obj

    def table(self, objects: list[Obj], metadata: Obj) -> Obj:
        """Objects as a table."""
        include = self.query.get("includeObject", "Metadata")
        return tables.table(self.resource, self.target.version, objects, metadata, include)

    def listing(self, objects: list[Obj], metadata: Obj) -> Obj:
        """Objects as a list."""
        kind, version = self.resource.list_kind, self.resource.api_version(self.target.version)
        if "as=PartialObjectMetadata" in self.accept:
            objects = [tables.partial(item) for item in objects]
            kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        return {"kind": kind, "apiVersion": version, "metadata": metadata, "items": objects}

    def answer(self, obj: Obj, code: int = 200) -> Response:
        """The response holding one object."""
        return Response.json(self.render(obj), code)


class ResourceHandler:
    """One method for each verb."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def answer(self, request: Request, resource: Resource, target: Target, verb: str, user: User) -> Response:
        """Answer a request that was allowed."""
        call = _Call(request, resource, target, user)
        if target.subresource and target.subresource not in resource.subresources:
            raise unknown_path()
        special = getattr(self, f"_{target.subresource}_subresource", None) if target.subresource else None
        method = special or getattr(self, f"_{verb}", None)
        if method is None or (verb not in resource.verbs and special is None):
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        response: Response = method(call)
        return response

    def _get(self, call: _Call) -> Response:
        return call.answer(self._operations.get(call.resource, call.namespace, call.name))

    def _list(self, call: _Call) -> Response:
        query = call.query
        matches = selectors.parse(call.resource.key, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        limit = int(query.get("limit") or 0)
        if matches is None and not limit and call.plain():
            return self._list_texts(call)
        objects, revision = self._operations.store.list(call.resource.key, call.namespace)
        objects = [call.outgoing(item) for item in objects if matches is None or matches(item)]
        metadata: Obj = {"resourceVersion": str(revision)}
        objects = _page(objects, query.get("continue", ""), limit, metadata)
        if "as=Table" in call.accept:
            return Response.json(call.table(objects, metadata))
        return Response.json(call.listing(objects, metadata))

    def _list_texts(self, call: _Call) -> Response:
        texts, revision = self._operations.store.list_texts(call.resource.key, call.namespace)
        version = call.resource.api_version(call.target.version)
        frame = {"kind": call.resource.list_kind, "apiVersion": version, "metadata": {"resourceVersion": str(revision)}}
        return Response(200, f'{json.dumps(frame)[:-1]},"items":[{",".join(texts)}]}}'.encode())

    def _watch(self, call: _Call) -> Response:
        query = call.query
        matches = selectors.parse(call.resource.key, query.get("labelSelector", ""), query.get("fieldSelector", ""))

        def bookmark(revision: int, initial_end: bool) -> Obj:
            metadata: Obj = {"resourceVersion": str(revision), "creationTimestamp": None}
            if initial_end:
                metadata["annotations"] = {_INITIAL_END: "true"}
            if "as=Table" in call.accept:
                return call.table([], metadata)
            return {
                "kind": call.resource.kind,
                "apiVersion": call.resource.api_version(call.target.version),
                "metadata": metadata,
            }

        stream = streams.watch_stream(
            self._operations.store,
            call.resource.key,
            call.namespace,
            query,
            matches,
            None if call.plain() else call.render,
            bookmark,
            call.request.gone,
        )
        return Response(200, stream=stream)

    def _create(self, call: _Call) -> Response:
        body = call.request.json()
        return call.answer(self._operations.create(call.resource, call.namespace, body, call.caller), 201)

    def _update(self, call: _Call) -> Response:
        return call.answer(self._operations.update(call.place, call.request.json(), call.caller))

    def _patch(self, call: _Call) -> Response:
        kind = call.request.content_type
        if kind != APPLY:
            return call.answer(self._operations.patch(call.place, kind, call.request.value(), call.caller))
        place: Obj = {"metadata": {"namespace": call.namespace, "name": call.name}}
        existed = self._operations.store_has(call.resource, place)
        force = call.query.get("force") == "true"
        applied = self._operations.apply(call.place, call.request.json(), call.caller, force)
        return call.answer(applied, 200 if existed else 201)

    def _delete(self, call: _Call) -> Response:
        options, caller = _delete_options(call)
        last = self._operations.delete(call.place, options, caller)
        if "deletionTimestamp" in last["metadata"] and self._operations.store_has(call.resource, last):
            return call.answer(last)
        kind, uid = call.resource.plural, last["metadata"]["uid"]
        return Response.json(_success({"name": call.name, "group": call.resource.group, "kind": kind, "uid": uid}))

    def _deletecollection(self, call: _Call) -> Response:
        query, (options, caller) = call.query, _delete_options(call)
        objects, revision = self._operations.list(
            call.resource, call.namespace, query.get("labelSelector", ""), query.get("fieldSelector", "")
        )
        for item in objects:
            metadata = item["metadata"]
            self._operations.delete(Place(call.resource, metadata.get("namespace"), metadata["name"]), options, caller)
        return Response.json(
            call.listing([call.outgoing(item) for item in objects], {"resourceVersion": str(revision)})
        )

    def _scale_subresource(self, call: _Call) -> Response:
        if call.request.method == "GET":
            obj = self._operations.get(call.resource, call.namespace, call.name)
            return Response.json(subresources.scale_of(call.resource, obj))
        scale = subresources.write_scale(self._operations, call.place, call.request.value(), call.caller)
        return Response.json(scale)

    def _eviction_subresource(self, call: _Call) -> Response:
        subresources.evict(self._operations, call.namespace, call.name, call.request.json(), call.caller)
        return Response.json(_success(None), 201)

    def _binding_subresource(self, call: _Call) -> Response:
        subresources.bind(self._operations, call.namespace, call.name, call.request.json(), call.caller)
        return Response.json(_success(None), 201)

    def _log_subresource(self, call: _Call) -> Response:
        self._operations.get(call.resource, call.namespace, call.name)
        raise ApiError(501, "NotImplemented", "the lab stand-in runs no containers, so there are no logs")


def _page(objects: list[Obj], token: str, limit: int, metadata: Obj) -> list[Obj]:
    def place(item: Obj) -> list[str]:
        return [item["metadata"].get("namespace") or "", item["metadata"]["name"]]

    if token:
        try:
            after = json.loads(base64.urlsafe_b64decode(token))
        except ValueError as error:
            raise bad_request(f"continue key is not valid: {error}") from error
        objects = [item for item in objects if place(item) > after]
    if limit and len(objects) > limit:
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps(place(objects[limit - 1])).encode()).decode()
        metadata["remainingItemCount"] = len(objects) - limit
        return objects[:limit]
    return objects


def _delete_options(call: _Call) -> tuple[Obj, Caller]:
    options: Obj = call.request.json() if call.request.body else {}
    if "propagationPolicy" in call.query:
        options.setdefault("propagationPolicy", call.query["propagationPolicy"])
    if "gracePeriodSeconds" in call.query:
        options.setdefault("gracePeriodSeconds", int(call.query["gracePeriodSeconds"]))
    return options, replace(call.caller, dry_run=True) if options.get("dryRun") else call.caller


def _success(details: Obj | None) -> Obj:
    answer: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**answer, "details": details} if details else {**answer, "code": 201}
