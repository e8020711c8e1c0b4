# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of Kubernetes 1.32 as data: one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

READ_WRITE = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Column:
    """A table column; the source is a JSON path (".spec.x") or the name of a printer ("@node_status")."""

    name: str
    source: str
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""


@dataclass(frozen=True)
class Resource:
    """One served resource; `versions` lists the preferred version first, objects are stored in `storage_version`."""

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = READ_WRITE
    storage: str = ""
    list_kind_name: str = ""
    # version -> structural schema, for custom resources only
    schemas: dict[str, Any] = field(default_factory=dict, compare=False)
    version_columns: dict[str, tuple[Column, ...]] = field(default_factory=dict, compare=False)
    custom: bool = False
    scale: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """The resource key: plural, or plural.group outside the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage_version(self) -> str:
        """The version objects are stored in."""
        return self.storage or self.versions[0]

    @property
    def list_kind(self) -> str:
        """The kind of a list of these."""
        return self.list_kind_name or f"{self.kind}List"

    def api_version(self, version: str = "") -> str:
        """The apiVersion of objects served at a version."""
        version = version or self.storage_version
        return f"{self.group}/{version}" if self.group else version


def read_columns(text: str) -> tuple[Column, ...]:
    """Read columns from "Name=source[:type][!]" words; ! marks those of the wide output only."""
    columns = []
    for word in text.split():
        name, _, source = word.partition("=")
        wide = source.endswith("!")
        source, _, kind = source.rstrip("!").partition(":")
        columns.append(Column(name.replace("_", " "), source, kind or "string", 1 if wide else 0))
    return tuple(columns)


AGE = "Age=@age"
_WORKLOAD = "Containers=@containers! Images=@images! Selector=@selector!"
_ALL = ("all",)
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_NETWORKING = "networking.k8s.io"
_EXTENSIONS = "apiextensions.k8s.io"

# group, versions, kind, plural, short names, namespaced, subresources, columns after Name, categories
_Row = tuple[str, str, str, str, str, bool, str, str, tuple[str, ...]]
# fmt: off
_ROWS: tuple[_Row, ...] = (
    ("", "v1", "Namespace", "namespaces", "ns", False, "status finalize", f"Status=.status.phase {AGE}", ()),
    (
        "", "v1", "Node", "nodes", "no", False, "status",
        f"Status=@node_status Roles=@node_roles {AGE} Version=.status.nodeInfo.kubeletVersion"
        " Internal-IP=@node_internal_ip!"
        " External-IP=@node_external_ip! OS-Image=@node_os! Kernel-Version=@node_kernel!"
        " Container-Runtime=@node_runtime!", (),
    ),
    (
        "", "v1", "Pod", "pods", "po", True, "status eviction binding log",
        f"Ready=@pod_ready Status=@pod_status Restarts=@pod_restarts {AGE} IP=@pod_ip! Node=@pod_node!"
        " Nominated_Node=@none! Readiness_Gates=@none!", _ALL,
    ),
    ("", "v1", "ConfigMap", "configmaps", "cm", True, "", f"Data=@data_count {AGE}", ()),
    ("", "v1", "Secret", "secrets", "", True, "", f"Type=.type Data=@data_count {AGE}", ()),
    (
        "", "v1", "Service", "services", "svc", True, "status",
        f"Type=.spec.type Cluster-IP=@service_ip External-IP=@service_external_ip Port(s)=@service_ports {AGE}"
        " Selector=@service_selector!", _ALL,
    ),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa", True, "token", f"Secrets=@secrets_count:integer {AGE}", ()),
    ("", "v1", "Endpoints", "endpoints", "ep", True, "", f"Endpoints=@endpoints {AGE}", ()),
    (
        "", "v1", "Event", "events", "ev", True, "",
        "Last_Seen=@event_last_seen Type=.type Reason=.reason Object=@event_object Subobject=.involvedObject.fieldPath!"
        " Source=@event_source! Message=.message First_Seen=@event_first_seen! Count=@event_count! ", (),
    ),
    (
        "", "v1", "PersistentVolume", "persistentvolumes", "pv", False, "status",
        "Capacity=.spec.capacity.storage Access_Modes=@access_modes Reclaim_Policy=.spec.persistentVolumeReclaimPolicy"
        f" Status=@phase Claim=@pv_claim StorageClass=.spec.storageClassName VolumeAttributesClass=@unset"
        f" Reason=.status.reason {AGE} VolumeMode=.spec.volumeMode!", (),
    ),
    (
        "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", True, "status",
        "Status=@phase Volume=.spec.volumeName Capacity=.status.capacity.storage Access_Modes=@access_modes"
        f" StorageClass=.spec.storageClassName VolumeAttributesClass=@unset {AGE} VolumeMode=.spec.volumeMode!", (),
    ),
    ("", "v1", "ReplicationController", "replicationcontrollers", "rc", True, "status scale",
     f"Desired=.spec.replicas:integer Current=@replicas:integer Ready=@ready_replicas:integer {AGE} {_WORKLOAD}", _ALL),
    ("", "v1", "LimitRange", "limitranges", "limits", True, "", "Created_At=.metadata.creationTimestamp", ()),
    ("", "v1", "ResourceQuota", "resourcequotas", "quota", True, "status", AGE, ()),
    ("", "v1", "PodTemplate", "podtemplates", "", True, "", AGE, ()),
    (
        "apps", "v1", "Deployment", "deployments", "deploy", True, "status scale",
        "Ready=@deployment_ready Up-to-date=@updated_replicas:integer Available=@available_replicas:integer"
        f" {AGE} {_WORKLOAD}",
        _ALL,
    ),
    (
        "apps", "v1", "DaemonSet", "daemonsets", "ds", True, "status",
        "Desired=@ds_desired:integer Current=@ds_current:integer Ready=@ds_ready:integer Up-to-date=@ds_updated:integer"
        f" Available=@ds_available:integer Node_Selector=@node_selector {AGE} {_WORKLOAD}", _ALL,
    ),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts", True, "status scale",
     f"Ready=@deployment_ready {AGE} Containers=@containers! Images=@images!", _ALL),
    ("apps", "v1", "ReplicaSet", "replicasets", "rs", True, "status scale",
     f"Desired=.spec.replicas:integer Current=@replicas:integer Ready=@ready_replicas:integer {AGE} {_WORKLOAD}", _ALL),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", "", True, "",
     f"Controller=@owner Revision=.revision:integer {AGE}", ()),
    ("autoscaling", "v2 v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", True, "status", AGE, _ALL),
    ("batch", "v1", "Job", "jobs", "", True, "status",
     f"Status=@job_status Completions=@job_completions Duration=@job_duration {AGE} {_WORKLOAD}", _ALL),
    ("batch", "v1", "CronJob", "cronjobs", "cj", True, "status",
     "Schedule=.spec.schedule Timezone=@timezone Suspend=.spec.suspend Active=@active_jobs:integer"
     f" Last_Schedule=@last_schedule {AGE}",
     _ALL),
    (_RBAC, "v1", "Role", "roles", "", True, "", "Created_At=.metadata.creationTimestamp", ()),
    (_RBAC, "v1", "ClusterRole", "clusterroles", "", False, "",
     "Created_At=.metadata.creationTimestamp", ()),
    (_RBAC, "v1", "RoleBinding", "rolebindings", "", True, "", f"Role=@role_ref {AGE}", ()),
    (_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", "", False, "", f"Role=@role_ref {AGE}", ()),
    (
        "storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", False, "",
        "Provisioner=.provisioner ReclaimPolicy=@reclaim_policy VolumeBindingMode=@binding_mode"
        f" AllowVolumeExpansion=@allow_expansion:boolean {AGE}", (),
    ),
    ("storage.k8s.io", "v1", "CSIDriver", "csidrivers", "", False, "",
     f"AttachRequired=.spec.attachRequired:boolean PodInfoOnMount=.spec.podInfoOnMount:boolean {AGE}", ()),
    ("storage.k8s.io", "v1", "CSINode", "csinodes", "", False, "", f"Drivers=@drivers_count:integer {AGE}", ()),
    ("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", "", True, "",
     f"StorageClassName=.storageClassName Capacity=.capacity {AGE}", ()),
    ("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", "", False, "status",
     "Attacher=.spec.attacher PV=.spec.source.persistentVolumeName Node=.spec.nodeName"
     f" Attached=.status.attached:boolean {AGE}", ()),
    ("coordination.k8s.io", "v1", "Lease", "leases", "", True, "", f"Holder=.spec.holderIdentity {AGE}", ()),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", True, "status",
     f"Min_Available=@pdb_min Max_Unavailable=@pdb_max Allowed_Disruptions=@pdb_allowed:integer {AGE}", ()),
    (_NETWORKING, "v1", "Ingress", "ingresses", "ing", True, "status",
     f"Class=@ingress_class Hosts=@ingress_hosts Address=@lb_address Ports=@ingress_ports {AGE}", ()),
    (_NETWORKING, "v1", "IngressClass", "ingressclasses", "", False, "",
     f"Controller=.spec.controller {AGE}", ()),
    (_NETWORKING, "v1", "NetworkPolicy", "networkpolicies", "netpol", True, "",
     f"Pod-Selector=@pod_selector {AGE}", ()),
    ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", "", False, "", f"Handler=.handler {AGE}", ()),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", False, "",
     f"Value=.value:integer Global-Default=@global_default:boolean {AGE} PreemptionPolicy=@preemption", ()),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", True, "",
     f"AddressType=.addressType Ports=@slice_ports Endpoints=@slice_endpoints {AGE}", ()),
    ("events.k8s.io", "v1", "Event", "events", "ev", True, "",
     "Last_Seen=@event_last_seen Type=.type Reason=.reason Object=@event_object Message=.note", ()),
    (_ADMISSION, "v1", "ValidatingWebhookConfiguration",
     "validatingwebhookconfigurations", "", False, "",
     f"Webhooks=@webhooks_count:integer {AGE}", ("api-extensions",)),
    (_ADMISSION, "v1", "MutatingWebhookConfiguration",
     "mutatingwebhookconfigurations", "", False, "",
     f"Webhooks=@webhooks_count:integer {AGE}", ("api-extensions",)),
    (_ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", "", False, "status",
     AGE, ("api-extensions",)),
    (_ADMISSION, "v1", "ValidatingAdmissionPolicyBinding",
     "validatingadmissionpolicybindings", "", False, "",
     AGE, ("api-extensions",)),
    (_EXTENSIONS, "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd crds", False, "status",
     "Created_At=.metadata.creationTimestamp", ("api-extensions",)),
    ("apiregistration.k8s.io", "v1", "APIService", "apiservices", "", False, "status",
     f"Service=@api_service Available=@available_condition {AGE}", ("api-extensions",)),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest",
     "certificatesigningrequests", "csr", False, "status approval",
     f"SignerName=.spec.signerName Requestor=.spec.username Condition=@csr_condition {AGE}", ()),
)
# fmt: on
# Answered, never stored.
_REVIEWS = (
    ("authentication.k8s.io", "TokenReview", "tokenreviews", False),
    ("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews", False),
    ("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False),
    ("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews", False),
    ("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", False),
    ("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", True),
)
# Upstream bumps metadata.generation for these and for custom resources only.
GENERATION_KEYS = frozenset(
    (
        "deployments.apps daemonsets.apps statefulsets.apps replicasets.apps replicationcontrollers jobs.batch"
        " cronjobs.batch poddisruptionbudgets.policy ingresses.networking.k8s.io ingressclasses.networking.k8s.io"
        " networkpolicies.networking.k8s.io priorityclasses.scheduling.k8s.io"
        " validatingwebhookconfigurations.admissionregistration.k8s.io"
        " mutatingwebhookconfigurations.admissionregistration.k8s.io customresourcedefinitions.apiextensions.k8s.io"
    ).split()
)


def builtin_resources() -> list[Resource]:
    """All resources every server has."""
    return [_resource(row) for row in _ROWS] + [
        Resource(group, ("v1",), kind, plural, kind.lower(), namespaced=namespaced, verbs=("create",))
        for group, kind, plural, namespaced in _REVIEWS
    ]


def _resource(row: _Row) -> Resource:
    group, versions, kind, plural, short, namespaced, subresources, columns, categories = row
    return Resource(
        group,
        tuple(versions.split()),
        kind,
        plural,
        kind.lower(),
        tuple(short.split()),
        namespaced,
        tuple(subresources.split()),
        read_columns(columns),
        categories,
    )
