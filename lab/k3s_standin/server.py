# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s server`: the control plane in one process."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
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
    datastore,
    kubeconfig,
    log,
    node_object,
    options,
    packaged,
    rest,
    secrets_encryption,
    signals,
    snapshots,
    tokens,
)
from lab.k3s_standin.administration import Administration, Live
from lab.k3s_standin.api.at_rest import PLAIN
from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.server import ApiServer
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.control_plane import ControlPlane, Facts
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
        file = datastore.locate(self.paths, self.settings.flag("cluster-init"), self.node.name)
        cluster_reset.flag_file(self.paths).unlink(missing_ok=True)
        tls, chosen, encryption = self._open(file, server_token, agent_token)
        store = ObjectStore(str(file), encryption or PLAIN)
        saved = self._snapshots(store, datastore.is_etcd(file))
        schedule = self._schedule(saved)
        administration = Administration(self.paths, file, store, Live(chosen), encryption, self.node.name)
        api, control_plane = self._control_plane(store, tls, administration, saved)
        api.start()
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
        self, file: Path, server_token: str, agent_token: str
    ) -> tuple[ServerTls, credentials.Credentials, Encryption | None]:
        """Bring authorities, tokens and bootstrap record together, in an order that a later start can complete."""
        tls = ServerTls(self.paths.tls)
        chosen = credentials.choose(self.paths, server_token, agent_token)
        try:
            contents = bootstrap.load(file, chosen.server)
        except bootstrap.BootstrapError as error:
            raise ConfigError(f"starting kubernetes: preparing server: {error}") from error
        if contents is not None:
            tls.restore(contents)
        credentials.check(self.paths, server_token)
        tls.ensure_authorities()
        credentials.write(self.paths, chosen)
        encryption = secrets_encryption.open_or_create(self.paths, self.settings)
        sealed = {secrets_encryption.RECORD: encryption.text()} if encryption else {}
        if contents is None:
            bootstrap.save(file, chosen.server, {**tls.authority_files(), **sealed})
        elif not sealed.keys() <= contents.keys():
            bootstrap.replace(file, chosen.server, {**contents, **sealed})
        tls.ensure_leaves(self._serving_names())
        return tls, chosen, encryption

    def _control_plane(
        self, store: ObjectStore, tls: ServerTls, administration: Administration, saved: snapshots.Snapshots
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
            lambda: [f"{self.address}:{self.port}"],
            administration,
        )
        facts = self._facts(tls, administration, saved.etcd)
        packaged.write(facts.manifests, facts.disabled)
        return api, ControlPlane(client, passwords, facts)

    def _facts(self, tls: ServerTls, administration: Administration, etcd: bool) -> Facts:
        return Facts(
            self.node.name,
            node_object.server_labels(etcd),
            administration.encryption.annotations if administration.encryption else {},
            self.address,
            self.port,
            tls.authority("server-ca").certificate,
            self.paths.server / "manifests",
            frozenset(self.settings.list("disable")),
            self.cluster_cidr,
            tuple(self.settings.list("kube-controller-manager-arg")),
        )

    def _snapshots(self, store: ObjectStore, etcd: bool) -> snapshots.Snapshots:
        folder = Path(self.settings.text("etcd-snapshot-dir") or self.paths.server / "db/snapshots")
        return snapshots.Snapshots(store.snapshot, folder, self.node.name, etcd)

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

    def _serving_names(self) -> list[str]:
        domain = self.settings.text("cluster-domain")
        service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{domain}"]
        first = str(ipaddress.ip_network(self.service_cidr)[1])
        node = self.node
        own = [*node.addresses, *node.external_addresses, self.address, node.name, "localhost", "127.0.0.1", "::1"]
        return list(dict.fromkeys([*service, first, *own, *self.settings.list("tls-san")]))

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
        cluster_reset.run(paths, node.name, options.token(settings), restored, port)
        return
    if restored:
        raise ConfigError("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
    if url:
        _join(url, options.token(settings))
    with certificate_rotation.hold(paths):
        Server(settings, version, paths, node, environment).run()


def _join(url: str, token: str) -> None:
    """Check the other server as a joining server would, then say what is missing."""
    if not token:
        raise ConfigError("starting kubernetes: preparing server: token is required to join a cluster")
    try:
        parsed = tokens.parse(token)
        ca = rest.Rest(url, rest.trusting(None)).get("/cacerts")
        parsed.matches(ca)
    except (OSError, rest.Refused, tokens.TokenError) as error:
        raise ConfigError(f"starting kubernetes: preparing server: failed to validate server {url}: {error}") from error
    raise ConfigError(
        f"server {url} answers with the cluster CA {tokens.ca_hash(ca)},"
        " but joining servers (HA) are not in the lab stand-in yet"
    )
