# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501
"""The wire numbers of the messages that kubectl and helm send as protobuf; other kinds are asked for as JSON.

One line for each message: its name, then NAME NUMBER TYPE for each field. A name ending in ? is left out when zero; "="
stands for an inlined struct. Types: s string, y bytes, i integer, b boolean, d double, or a message; * before it marks a
list, % a map from strings.
"""

from __future__ import annotations

FIELDS = """\
authentication/v1.BoundObjectReference kind? 1 s apiVersion? 2 s name? 3 s uid? 4 s
authentication/v1.ExtraValue items? 1 *s
authentication/v1.SelfSubjectReview metadata? 1 meta/v1.ObjectMeta status? 2 authentication/v1.SelfSubjectReviewStatus
authentication/v1.SelfSubjectReviewStatus userInfo? 1 authentication/v1.UserInfo
authentication/v1.TokenRequest metadata? 1 meta/v1.ObjectMeta spec? 2 authentication/v1.TokenRequestSpec status? 3 authentication/v1.TokenRequestStatus
authentication/v1.TokenRequestSpec audiences 1 *s expirationSeconds 4 i boundObjectRef 3 authentication/v1.BoundObjectReference
authentication/v1.TokenRequestStatus token 1 s expirationTimestamp? 2 meta/v1.Time
authentication/v1.TokenReview metadata? 1 meta/v1.ObjectMeta spec? 2 authentication/v1.TokenReviewSpec status? 3 authentication/v1.TokenReviewStatus
authentication/v1.TokenReviewSpec token? 1 s audiences? 2 *s
authentication/v1.TokenReviewStatus authenticated? 1 b user? 2 authentication/v1.UserInfo audiences? 4 *s error? 3 s
authentication/v1.UserInfo username? 1 s uid? 2 s groups? 3 *s extra? 4 %authentication/v1.ExtraValue
authorization/v1.FieldSelectorAttributes rawSelector? 1 s requirements? 2 *meta/v1.FieldSelectorRequirement
authorization/v1.LabelSelectorAttributes rawSelector? 1 s requirements? 2 *meta/v1.LabelSelectorRequirement
authorization/v1.NonResourceAttributes path? 1 s verb? 2 s
authorization/v1.ResourceAttributes namespace? 1 s verb? 2 s group? 3 s version? 4 s resource? 5 s subresource? 6 s name? 7 s fieldSelector 8 authorization/v1.FieldSelectorAttributes labelSelector 9 authorization/v1.LabelSelectorAttributes
authorization/v1.SelfSubjectAccessReview metadata? 1 meta/v1.ObjectMeta spec? 2 authorization/v1.SelfSubjectAccessReviewSpec status? 3 authorization/v1.SubjectAccessReviewStatus
authorization/v1.SelfSubjectAccessReviewSpec resourceAttributes 1 authorization/v1.ResourceAttributes nonResourceAttributes 2 authorization/v1.NonResourceAttributes
authorization/v1.SubjectAccessReviewStatus allowed 1 b denied? 4 b reason? 2 s evaluationError? 3 s
autoscaling/v1.Scale metadata? 1 meta/v1.ObjectMeta spec? 2 autoscaling/v1.ScaleSpec status? 3 autoscaling/v1.ScaleStatus
autoscaling/v1.ScaleSpec replicas? 1 i
autoscaling/v1.ScaleStatus replicas 1 i selector? 2 s
coordination/v1.Lease metadata? 1 meta/v1.ObjectMeta spec? 2 coordination/v1.LeaseSpec
coordination/v1.LeaseSpec holderIdentity 1 s leaseDurationSeconds 2 i acquireTime 3 meta/v1.MicroTime renewTime 4 meta/v1.MicroTime leaseTransitions 5 i strategy 6 s preferredHolder 7 s
core/v1.Binding metadata? 1 meta/v1.ObjectMeta target? 2 core/v1.ObjectReference
core/v1.ClientIPConfig timeoutSeconds 1 i
core/v1.ConfigMap metadata? 1 meta/v1.ObjectMeta immutable 4 b data? 2 %s binaryData? 3 %y
core/v1.Event metadata? 1 meta/v1.ObjectMeta involvedObject? 2 core/v1.ObjectReference reason? 3 s message? 4 s source? 5 core/v1.EventSource firstTimestamp? 6 meta/v1.Time lastTimestamp? 7 meta/v1.Time count? 8 i type? 9 s eventTime? 10 meta/v1.MicroTime series 11 core/v1.EventSeries action? 12 s related 13 core/v1.ObjectReference reportingComponent 14 s reportingInstance 15 s
core/v1.EventSeries count? 1 i lastObservedTime? 2 meta/v1.MicroTime
core/v1.EventSource component? 1 s host? 2 s
core/v1.LoadBalancerIngress ip? 1 s hostname? 2 s ipMode 3 s ports? 4 *core/v1.PortStatus
core/v1.LoadBalancerStatus ingress? 1 *core/v1.LoadBalancerIngress
core/v1.LocalObjectReference name? 1 s
core/v1.Namespace metadata? 1 meta/v1.ObjectMeta spec? 2 core/v1.NamespaceSpec status? 3 core/v1.NamespaceStatus
core/v1.NamespaceCondition type 1 s status 2 s lastTransitionTime? 4 meta/v1.Time reason? 5 s message? 6 s
core/v1.NamespaceSpec finalizers? 1 *s
core/v1.NamespaceStatus phase? 1 s conditions? 2 *core/v1.NamespaceCondition
core/v1.ObjectReference kind? 1 s namespace? 2 s name? 3 s uid? 4 s apiVersion? 5 s resourceVersion? 6 s fieldPath? 7 s
core/v1.PortStatus port 1 i protocol 2 s error 3 s
core/v1.Secret metadata? 1 meta/v1.ObjectMeta immutable 5 b data? 2 %y stringData? 4 %s type? 3 s
core/v1.Service metadata? 1 meta/v1.ObjectMeta spec? 2 core/v1.ServiceSpec status? 3 core/v1.ServiceStatus
core/v1.ServiceAccount metadata? 1 meta/v1.ObjectMeta secrets? 2 *core/v1.ObjectReference imagePullSecrets? 3 *core/v1.LocalObjectReference automountServiceAccountToken 4 b
core/v1.ServicePort name? 1 s protocol? 2 s appProtocol 6 s port 3 i targetPort? 4 util/intstr.IntOrString nodePort? 5 i
core/v1.ServiceSpec ports? 1 *core/v1.ServicePort selector? 2 %s clusterIP? 3 s clusterIPs? 18 *s type? 4 s externalIPs? 5 *s sessionAffinity? 7 s loadBalancerIP? 8 s loadBalancerSourceRanges? 9 *s externalName? 10 s externalTrafficPolicy? 11 s healthCheckNodePort? 12 i publishNotReadyAddresses? 13 b sessionAffinityConfig 14 core/v1.SessionAffinityConfig ipFamilies? 19 *s ipFamilyPolicy 17 s allocateLoadBalancerNodePorts 20 b loadBalancerClass 21 s internalTrafficPolicy 22 s trafficDistribution 23 s
core/v1.ServiceStatus loadBalancer? 1 core/v1.LoadBalancerStatus conditions? 2 *meta/v1.Condition
core/v1.SessionAffinityConfig clientIP 1 core/v1.ClientIPConfig
meta/v1.Condition type 1 s status 2 s observedGeneration? 3 i lastTransitionTime? 4 meta/v1.Time reason 5 s message 6 s
meta/v1.DeleteOptions gracePeriodSeconds 1 i preconditions 2 meta/v1.Preconditions orphanDependents 3 b propagationPolicy 4 s dryRun? 5 *s ignoreStoreReadErrorWithClusterBreakingPotential 6 b
meta/v1.FieldSelectorRequirement key 1 s operator 2 s values? 3 *s
meta/v1.FieldsV1 - 1 y
meta/v1.LabelSelector matchLabels? 1 %s matchExpressions? 2 *meta/v1.LabelSelectorRequirement
meta/v1.LabelSelectorRequirement key 1 s operator 2 s values? 3 *s
meta/v1.ManagedFieldsEntry manager? 1 s operation? 2 s apiVersion? 3 s time 4 meta/v1.Time fieldsType? 6 s fieldsV1 7 meta/v1.FieldsV1 subresource? 8 s
meta/v1.MicroTime seconds? 1 i nanos? 2 i
meta/v1.ObjectMeta name? 1 s generateName? 2 s namespace? 3 s selfLink? 4 s uid? 5 s resourceVersion? 6 s generation? 7 i creationTimestamp? 8 meta/v1.Time deletionTimestamp 9 meta/v1.Time deletionGracePeriodSeconds 10 i labels? 11 %s annotations? 12 %s ownerReferences? 13 *meta/v1.OwnerReference finalizers? 14 *s managedFields? 17 *meta/v1.ManagedFieldsEntry
meta/v1.OwnerReference apiVersion 5 s kind 1 s name 3 s uid 4 s controller 6 b blockOwnerDeletion 7 b
meta/v1.Preconditions uid 1 s resourceVersion 2 s
meta/v1.Time seconds? 1 i nanos? 2 i
policy/v1.Eviction metadata? 1 meta/v1.ObjectMeta deleteOptions 2 meta/v1.DeleteOptions
policy/v1.PodDisruptionBudget metadata? 1 meta/v1.ObjectMeta spec? 2 policy/v1.PodDisruptionBudgetSpec status? 3 policy/v1.PodDisruptionBudgetStatus
policy/v1.PodDisruptionBudgetSpec minAvailable 1 util/intstr.IntOrString selector? 2 meta/v1.LabelSelector maxUnavailable 3 util/intstr.IntOrString unhealthyPodEvictionPolicy 4 s
policy/v1.PodDisruptionBudgetStatus observedGeneration? 1 i disruptedPods? 2 %meta/v1.Time disruptionsAllowed 3 i currentHealthy 4 i desiredHealthy 5 i expectedPods 6 i conditions? 7 *meta/v1.Condition
rbac/v1.AggregationRule clusterRoleSelectors? 1 *meta/v1.LabelSelector
rbac/v1.ClusterRole metadata? 1 meta/v1.ObjectMeta rules 2 *rbac/v1.PolicyRule aggregationRule 3 rbac/v1.AggregationRule
rbac/v1.ClusterRoleBinding metadata? 1 meta/v1.ObjectMeta subjects? 2 *rbac/v1.Subject roleRef? 3 rbac/v1.RoleRef
rbac/v1.PolicyRule verbs 1 *s apiGroups? 2 *s resources? 3 *s resourceNames? 4 *s nonResourceURLs? 5 *s
rbac/v1.Role metadata? 1 meta/v1.ObjectMeta rules 2 *rbac/v1.PolicyRule
rbac/v1.RoleBinding metadata? 1 meta/v1.ObjectMeta subjects? 2 *rbac/v1.Subject roleRef? 3 rbac/v1.RoleRef
rbac/v1.RoleRef apiGroup 1 s kind 2 s name 3 s
rbac/v1.Subject kind 1 s apiGroup? 2 s name 3 s namespace? 4 s
runtime.TypeMeta apiVersion? 1 s kind? 2 s
runtime.Unknown = 1 runtime.TypeMeta - 2 y contentEncoding? 3 s contentType? 4 s
util/intstr.IntOrString type? 1 i intVal? 2 i strVal? 3 s
"""
