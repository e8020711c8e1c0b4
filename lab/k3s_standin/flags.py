# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every flag of `k3s server` and `k3s agent` v1.32, as data: a configuration key is a long flag name (fact A6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flag:
    """One flag; kind is string, bool or list."""

    name: str
    kind: str = "string"
    short: str = ""
    default: str = ""
    env: str = ""


# name[,short][:kind][=default][ @ENVIRONMENT]
_COMMON = """
config,c @K3S_CONFIG_FILE
debug:bool @K3S_DEBUG
v=0
vmodule
log,l
alsologtostderr:bool
token,t @K3S_TOKEN
token-file @K3S_TOKEN_FILE
server,s @K3S_URL
data-dir,d @K3S_DATA_DIR
node-name @K3S_NODE_NAME
with-node-id:bool
node-label:list
node-taint:list
image-credential-provider-bin-dir=/var/lib/rancher/credentialprovider/bin
image-credential-provider-config=/var/lib/rancher/credentialprovider/config.yaml
docker:bool
container-runtime-endpoint
default-runtime
image-service-endpoint
disable-default-registry-endpoint:bool
nonroot-devices:bool
pause-image=rancher/mirrored-pause:3.6
snapshotter=overlayfs
private-registry=/etc/rancher/k3s/registries.yaml
airgap-extra-registry:list
node-ip,i:list
bind-address
node-external-ip:list
node-internal-dns:list
node-external-dns:list
resolv-conf @K3S_RESOLV_CONF
flannel-iface
flannel-conf
flannel-cni-conf
vpn-auth @K3S_VPN_AUTH
vpn-auth-file @K3S_VPN_AUTH_FILE
kubelet-arg:list
kube-proxy-arg:list
protect-kernel-defaults:bool
rootless:bool
prefer-bundled-bin:bool
selinux:bool @K3S_SELINUX
lb-server-port=6444 @K3S_LB_SERVER_PORT
enable-pprof:bool
"""
_AGENT = """
disable-apiserver-lb:bool
disable-selinux:bool
no-flannel:bool
cluster-secret @K3S_CLUSTER_SECRET
"""
_SERVER = """
https-listen-port=6443
supervisor-port
apiserver-port
apiserver-bind-address
advertise-address
advertise-port
tls-san:list
tls-san-security:bool=true
cluster-cidr:list
service-cidr:list
service-node-port-range=30000-32767
cluster-dns:list
cluster-domain=cluster.local
flannel-backend=vxlan
flannel-ipv6-masq:bool
flannel-external-ip:bool
egress-selector-mode=agent
servicelb-namespace=kube-system
write-kubeconfig,o @K3S_KUBECONFIG_OUTPUT
write-kubeconfig-mode @K3S_KUBECONFIG_MODE
write-kubeconfig-group @K3S_KUBECONFIG_GROUP
helm-job-image
agent-token @K3S_AGENT_TOKEN
agent-token-file @K3S_AGENT_TOKEN_FILE
cluster-init:bool @K3S_CLUSTER_INIT
cluster-reset:bool @K3S_CLUSTER_RESET
cluster-reset-restore-path
kube-apiserver-arg:list
etcd-arg:list
kube-controller-manager-arg:list
kube-scheduler-arg:list
kube-cloud-controller-manager-arg:list
kube-controller-arg:list
kube-cloud-controller-arg:list
kine-tls:bool
datastore-endpoint @K3S_DATASTORE_ENDPOINT
datastore-cafile @K3S_DATASTORE_CAFILE
datastore-certfile @K3S_DATASTORE_CERTFILE
datastore-keyfile @K3S_DATASTORE_KEYFILE
etcd-expose-metrics:bool
etcd-disable-snapshots:bool
etcd-snapshot-name=etcd-snapshot
etcd-snapshot-schedule-cron=0 */12 * * *
etcd-snapshot-reconcile-interval=10m
etcd-snapshot-retention=5
etcd-snapshot-dir
etcd-snapshot-compress:bool
etcd-s3:bool
etcd-s3-endpoint=s3.amazonaws.com
etcd-s3-endpoint-ca
etcd-s3-skip-ssl-verify:bool
etcd-s3-access-key @AWS_ACCESS_KEY_ID
etcd-s3-secret-key @AWS_SECRET_ACCESS_KEY
etcd-s3-session-token @AWS_SESSION_TOKEN
etcd-s3-bucket
etcd-s3-region=us-east-1
etcd-s3-folder
etcd-s3-proxy
etcd-s3-config-secret
etcd-s3-insecure:bool
etcd-s3-timeout=5m0s
etcd-s3-retention=5
default-local-storage-path
disable:list
disable-scheduler:bool
disable-cloud-controller:bool
disable-kube-proxy:bool
disable-network-policy:bool
disable-helm-controller:bool
disable-apiserver:bool
disable-controller-manager:bool
disable-etcd:bool
disable-agent:bool
embedded-registry:bool
supervisor-metrics:bool
system-default-registry @K3S_SYSTEM_DEFAULT_REGISTRY
secrets-encryption:bool
secrets-encryption-provider=aescbc
"""


def _parse(line: str) -> Flag:
    text, _, env = line.partition(" @")
    names, _, default = text.partition("=")
    names, _, kind = names.partition(":")
    name, _, short = names.partition(",")
    return Flag(name, kind or "string", short, default, env)


def _table(text: str) -> dict[str, Flag]:
    return {flag.name: flag for flag in map(_parse, text.strip().splitlines())}


FLAGS: dict[str, dict[str, Flag]] = {
    "server": _table(_COMMON + _SERVER.lstrip()),
    "agent": _table(_COMMON + _AGENT.lstrip()),
}
