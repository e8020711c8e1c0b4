# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s server`: the control plane in one process."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.k3s_standin import (
    access,
    agent,
    bootstrap,
    certificate_rotation,
    checks,
    cluster_reset,
    credentials,
    datastores,
    kubeconfig,
    log,
    node_object,
    options,
    packaged,
    secrets_encryption,
    server_tls,
    signals,
    snapshots,
    tokens,
)
from lab.k3s_standin.administration import Administration, Live
from lab.k3s_standin.api.at_rest import PLAIN
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.server import ApiServer
from lab.k3s_standin.api.stores import Store
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.control_plane import ControlPlane, Facts
from lab.k3s_standin.controllers import members
from lab.k3s_standin.datastores import Datastore
from lab.k3s_standin.etcd_client import EtcdError
from lab.k3s_standin.etcd_join import Joining
from lab.k3s_standin.node_passwords import NodePasswords
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.secrets_encryption import Encryption
from lab.k3s_standin.server_tls import ServerTls
from lab.k3s_standin.supervisor import PREFIXES, Supervisor

_SERVICE_CIDR = "10.43.0.0/16"
_CLUSTER_CIDR = "10.42.0.0/16"


@dataclass(frozen=True)
class Server:
    """One server's settings and places."""

    settings: Settings
    version: str
    paths: Paths
    node: options.Node
    environment: Mapping[str, str]
    join_url: str = ""

    @property
    def port(self) -> int:
        """The port of the API and the supervisor."""
        return self.settings.number("https-listen-port")

    @property
    def service_cidr(self) -> str:
        """The network of Services."""
        return (self.settings.list("service-cidr") or [_SERVICE_CIDR])[0]

    @property
    def address(self) -> str:
        """The address this server tells others."""
        return self.settings.text("advertise-address") or self.node.addresses[0]

    @property
    def cluster_cidr(self) -> str:
        """The network of pods."""
        return (self.settings.list("cluster-cidr") or [_CLUSTER_CIDR])[0]

    def run(self) -> None:
        """Start everything and stay until SIGTERM."""
        stop = signals.stop_event()
        server_token, agent_token = options.token(self.settings), options.token(self.settings, "agent-token")
        joining = Joining(self.join_url, server_token, self._agent_config()) if self.join_url else None
        data = datastores.choose(self.paths, self.settings.flag("cluster-init"), self.node.name, self.address, joining)
        cluster_reset.flag_file(self.paths).unlink(missing_ok=True)
        try:
            tls, chosen, encryption = self._open(data, server_token, agent_token)
            self._serve(data, tls, chosen, encryption, stop)
        finally:
            data.stop()

    def _serve(
        self,
        data: Datastore,
        tls: ServerTls,
        chosen: credentials.Credentials,
        encryption: Encryption | None,
        stop: threading.Event,
    ) -> None:
        store = data.store(encryption or PLAIN)
        saved = self._snapshots(data)
        schedule = self._schedule(saved)
        administration = Administration(self.paths, data.records, store, Live(chosen), encryption, self.node.name)
        if data.member:
            administration.members = functools.partial(data.member.client().call, "/v3/cluster/member/list", {})
        api, control_plane = self._control_plane(store, tls, administration, saved, data)
        api.start(controllers=False)
        data.announce(f"{self.address}:{self.port}")
        control_plane.start()
        schedule.start()
        self._write_kubeconfig()
        log.info("k3s is up and running")
        log.notify("READY=1")
        token = tokens.Token("", "server", chosen.server).secure((self.paths.tls / "server-ca.crt").read_bytes())
        try:
            if self.settings.flag("disable-agent"):
                stop.wait()
            else:
                node = agent.Agent(self.settings, self.version, self.paths, self.node, self.environment)
                node.run(f"https://127.0.0.1:{self.port}", token, stop, lambda: None)
        finally:
            schedule.stop()
            control_plane.stop()
            api.stop()
            store.close()

    def _open(
        self, data: Datastore, server_token: str, agent_token: str
    ) -> tuple[ServerTls, credentials.Credentials, Encryption | None]:
        """Bring authorities, tokens and bootstrap record together, in an order that a later start can complete."""
        tls = ServerTls(self.paths.tls)
        chosen = credentials.choose(self.paths, server_token, agent_token)
        contents = self._contents(lambda: data.early(chosen.server))
        if contents is not None:
            tls.restore(contents)
        credentials.check(self.paths, server_token)
        tls.ensure_authorities()
        tls.ensure_leaves(*self._names())
        data.start()
        contents = self._contents(lambda: bootstrap.load(data.records, chosen.server))
        if contents is not None:
            tls.restore(contents)
            tls.ensure_leaves(*self._names())
        credentials.write(self.paths, chosen)
        encryption = secrets_encryption.open_or_create(self.paths, self.settings)
        sealed = {secrets_encryption.RECORD: encryption.text()} if encryption else {}
        if contents is None or not sealed.keys() <= contents.keys():
            bootstrap.save(data.records, chosen.server, {**tls.authority_files(), **(contents or {}), **sealed})
        return tls, chosen, encryption

    def _contents(self, read: Callable[[], dict[str, str] | None]) -> dict[str, str] | None:
        try:
            return read()
        except (bootstrap.BootstrapError, EtcdError) as error:
            raise ConfigError(f"starting kubernetes: preparing server: {error}") from error

    def _control_plane(
        self,
        store: Store,
        tls: ServerTls,
        administration: Administration,
        saved: snapshots.Snapshots,
        data: Datastore,
    ) -> tuple[ApiServer, ControlPlane]:
        api = ApiServer(
            store,
            self.version,
            access.authenticate,
            access.authorize,
            self._tls_context(),
            self.settings.text("bind-address") or "0.0.0.0",
            self.port,
            # Looked up when a request comes: the supervisor needs the API's client, which needs the routes.
            {
                snapshots.PREFIX: saved.answer,
                **{prefix: lambda request: supervisor.answer(request) for prefix in PREFIXES},
            },
            service_cidr=self.service_cidr,
        )
        client = api.client("k3s-supervisor")
        passwords = NodePasswords(client)
        administration.client = client
        supervisor = Supervisor(
            tls,
            administration.live,
            client,
            passwords,
            self._agent_config(),
            lambda: data.api_servers(f"{self.address}:{self.port}"),
            administration,
        )
        facts = self._facts(tls, administration, data)
        packaged.write(facts.manifests, facts.disabled)
        return api, ControlPlane(client, passwords, facts, api.start_controllers)

    def _facts(self, tls: ServerTls, administration: Administration, data: Datastore) -> Facts:
        own = f"{self.address}:{self.port}"
        encryption = administration.encryption.annotations if administration.encryption else {}
        return Facts(
            self.node.name,
            node_object.server_labels(data.etcd),
            {**encryption, **(members.names(data.member) if data.member else {})},
            lambda: [server.rpartition(":")[0].strip("[]") for server in data.api_servers(own)],
            self.port,
            tls.authority("server-ca").certificate,
            self.paths.server / "manifests",
            frozenset(self.settings.list("disable")),
            self.cluster_cidr,
            tuple(self.settings.list("kube-controller-manager-arg")),
            data.member.client() if data.member else None,
        )

    def _snapshots(self, data: Datastore) -> snapshots.Snapshots:
        folder = Path(self.settings.text("etcd-snapshot-dir") or self.paths.server / "db/snapshots")
        return snapshots.Snapshots(data.copy, folder, self.node.name, data.etcd)

    def _schedule(self, saved: snapshots.Snapshots) -> snapshots.Schedule:
        settings = self.settings
        schedule = snapshots.Schedule(
            saved,
            settings.text("etcd-snapshot-name"),
            settings.text("etcd-snapshot-schedule-cron"),
            settings.number("etcd-snapshot-retention"),
        )
        if not saved.etcd or settings.flag("etcd-disable-snapshots"):
            schedule.stop()
        return schedule

    def _agent_config(self) -> Obj:
        dns = self.settings.list("cluster-dns") or [str(ipaddress.ip_network(self.service_cidr)[10])]
        return {
            "ClusterDNS": ",".join(dns),
            "ClusterDomain": self.settings.text("cluster-domain"),
            "ClusterIPRange": self.cluster_cidr,
            "ServiceIPRange": self.service_cidr,
            "FlannelBackend": self.settings.text("flannel-backend"),
            "DisableKubeProxy": self.settings.flag("disable-kube-proxy"),
            "DisableNPC": self.settings.flag("disable-network-policy"),
            "HTTPSPort": self.port,
            "SupervisorPort": self.port,
        }

    def _names(self) -> server_tls.Names:
        node, own = self.node, (self.address, *self.node.addresses)
        serving = (*own, *node.external_addresses, node.name, *self.settings.list("tls-san"))
        domain = self.settings.text("cluster-domain")
        return server_tls.names(self.service_cidr, domain, serving, (node.name, *own))

    def _write_kubeconfig(self) -> None:
        path = Path(self.settings.text("write-kubeconfig") or self.paths.kubeconfig)
        kubeconfig.write(
            path, self.settings.text("write-kubeconfig-mode"), f"https://127.0.0.1:{self.port}", self.paths.tls
        )
        log.info(f"Wrote kubeconfig {path}")

    def _tls_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            self.paths.tls / "serving-kube-apiserver.crt", self.paths.tls / "serving-kube-apiserver.key"
        )
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(self.paths.tls / "client-ca.crt")
        return context


def main(settings: Settings, version: str, environment: Mapping[str, str]) -> None:
    """Run a server until SIGTERM."""
    options.require_root("server")
    paths = Paths(data_dir=settings.text("data-dir"))
    url = options.server_url(settings)
    checks.settings(settings, paths)
    mode = settings.text("write-kubeconfig-mode")
    if mode and not re.fullmatch(r"0?[0-7]{3}", mode):
        raise ConfigError(f"write-kubeconfig-mode {mode!r} is no octal file mode, expected '0600' in quotes")
    node = options.node(settings, paths)
    log.info(f"Starting k3s {version} (lab stand-in)")
    os.umask(0o077)
    restored = settings.text("cluster-reset-restore-path")
    if settings.flag("cluster-reset"):
        port = settings.number("https-listen-port")
        own = settings.text("advertise-address") or node.addresses[0]
        cluster_reset.run(paths, node.name, options.token(settings), restored, port, own)
        return
    if restored:
        raise ConfigError("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
    with certificate_rotation.hold(paths):
        Server(settings, version, paths, node, environment, url).run()
