# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git takes the cluster over, in this order: refused, rehearsed, bootstrapped, again, new keys, HTTPS, left to Git."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.flux import rows
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.look import objects
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import OK, World
from ansible_collections.fletcherlabs.homelab.plugins.modules import flux_repository

if TYPE_CHECKING:
    from tests.twin import Run, Twin

    from .conftest import Site

CLUSTER, PASSWORD = "clusters/k3s-home", "correct-horse-battery"
SYNC = "flux-system/flux-system"
APPLIED = "nothing has been applied, since"


def faults(site: Site) -> dict[str, tuple[dict[str, Any], str]]:
    """What the inventory says otherwise, and the sentence for it."""
    folder, address = site.folder, site.address
    stranger = (folder / "stranger.key.pub").read_text().split()[1]
    elsewhere = {
        "homelab_gitops_url": site.url.replace("2222", "2223"),
        "homelab_gitops_known_hosts": [f"[{address}]:2223 ssh-ed25519 {stranger}"],
    }
    return {
        "unreachable": (
            elsewhere,
            f"[{address}]:2223 cannot be reached (ssh: connect to host {address} port 2223: Connection refused)",
        ),
        "wrong deploy key": (
            {"homelab_gitops_deploy_key": f"{folder}/stranger.key"},
            f"[{address}]:2222 does not take the deploy key {folder}/stranger.key; add its public half",
        ),
        "changed host key": (
            {"homelab_gitops_known_hosts": [f"[{address}]:2222 ssh-ed25519 {stranger}"]},
            f"[{address}]:2222 shows a host key that homelab_gitops_known_hosts does not have",
        ),
        "missing sops-age": (
            {"homelab_gitops_identity": f"{folder}/lost.key"},
            "lost.key cannot be read (No such file or directory); without it the Secret sops-age cannot be made",
        ),
        "key that does not decrypt": (
            {"homelab_gitops_identity": f"{folder}/other.key"},
            f"{CLUSTER}/apps/secret.yaml:1: it does not decrypt: the age key does not open it",
        ),
    }


def test_each_fault_has_its_sentence_and_nothing_is_applied(twin: Twin, site: Site) -> None:
    expected = faults(site)
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda options: site.play(**options), [options for options, _sentence in expected.values()])
        ends = dict(zip(expected, runs, strict=True))
    wrong = {
        name: run.output
        for name, run in ends.items()
        if run.status == 0 or APPLIED not in run.text or expected[name][1] not in run.text
    }
    assert not wrong, "\n".join(wrong.values())
    # one sentence, and not what follows from it
    assert [name for name, run in ends.items() if run.text.count(f"{APPLIED}\\n- ") != 1] == []
    assert "flux-system" not in twin.kubectl("get", "namespaces")


def ask(site: Site, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """The module alone, which is what a playbook's run asks first."""
    arguments = {
        "url": site.url, "deploy_key": f"{site.folder}/deploy.key", "identity": f"{site.folder}/age.key",
        "known_hosts": (site.folder / "known_hosts").read_text().splitlines(), "path": CLUSTER,
        "kubernetes": "v1.32.5+k3s1", "flux": "2.6.1",
    } | options  # fmt: skip
    with patch_module_args(arguments), pytest.raises(SystemExit):
        flux_repository.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_repository_in_order_is_let_through(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(site, capsys)
    # the server lets this key read and nothing else
    assert (answer["problems"], answer["notices"], answer["writable"], answer["encrypted"]) == ([], [], False, 1)
    assert answer["revision"] == site.git("rev-parse", "main")
    assert ask(site, capsys, deploy_key=f"{site.folder}/owner.key")["writable"] is True


def test_other_faults_of_the_server_and_of_what_it_has(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (site.folder / "wrong.token").write_text("guessed\n")
    https: dict[str, Any] = {
        "url": site.https["homelab_gitops_url"], "deploy_key": None, "token": f"{site.folder}/wrong.token",
    }  # fmt: skip
    for options, sentence in (
        (https, f"the certificate of {site.address} is not of a CA that is trusted"),
        (
            https | {"ca": f"{site.folder}/ca.pem"},
            f"{site.address} does not take the user name with the token of {site.folder}/wrong.token",
        ),
        ({"branch": "next"}, "has the branches alone, main, expected next"),
        ({"path": "clusters/none"}, "branch main has no folder clusters/none"),
        ({"branch": "alone"}, f"{CLUSTER}/apps/secret.yaml: it is encrypted to one recipient alone"),
        ({"url": site.url.replace("flux-k3s", "other")}, "has no repository ssh://"),
        ({"known_hosts": [f"{site.address} ssh-ed25519 AAAA"]}, "homelab_gitops_known_hosts has no such line for"),
    ):
        (problem,) = ask(site, capsys, **options)["problems"]
        assert sentence in problem


def test_a_rehearsal_tells_everything_and_does_nothing(twin: Twin, site: Site) -> None:
    run = site.play("--check", "--diff")
    assert (run.status, run.changed) == (0, True), run.output
    for sentence in ("create Secret flux-system/sops-age", "install Flux 2.6.1", "create Kustomization flux-system"):
        assert sentence in run.text
    assert "flux-system" not in twin.kubectl("get", "namespaces")


@pytest.fixture(scope="module")
def bootstrap(site: Site) -> Run:
    return site.play("-vvv", "--diff")


def test_from_nothing_flux_has_applied_what_git_has(site: Site, bootstrap: Run) -> None:
    assert bootstrap.status == 0, bootstrap.output[-6000:]
    commit = site.git("rev-parse", "main")
    status = site.object("kustomizations")["status"]
    assert status["lastAppliedRevision"] == f"main@sha1:{commit}"
    assert "by a double of kustomize-controller" in status["conditions"][0]["message"]
    assert site.color("red") == "red"
    # decrypted in the cluster, with the key that the run put there
    assert site.values("web", "web") == {"password": PASSWORD}
    image = site.object("deployment", "source-controller")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "ghcr.io/fluxcd/source-controller:v1.6.0"


def test_keys_are_in_secrets_and_nowhere_else(twin: Twin, site: Site, bootstrap: Run) -> None:
    assert site.values("sops-age") == {"age.agekey": f"{site.age}\n"}
    assert site.values("flux-system")["identity"] == (site.folder / "deploy.key").read_text()
    private = (site.folder / "deploy.key").read_text().splitlines()[2]
    for secret in (str(site.age), private, PASSWORD):
        assert secret not in bootstrap.output
    # neither as it is nor as base64 of a Secret: the datastore is encrypted
    words = f"-e {site.age} -e {private} -e QUdFLVNFQ1JFVC1LRVkt"
    found = twin.on("k3s-master1", f"grep -rlaF {words} /etc /home /root /tmp /var /run /opt /srv 2>/dev/null || true")
    assert found == ""


def test_a_second_run_changes_nothing(site: Site) -> None:
    begun = time.monotonic()
    run = site.play()
    assert (run.status, run.changed) == (0, False), run.output
    assert time.monotonic() - begun < 60


def test_verify_has_nothing_to_say_against_it(twin: Twin) -> None:
    found = objects(Cluster(str(twin.state / "kubeconfig")))
    judged = list(rows(World({}, {}, {}, found, time.time())))
    assert [row.subject for row in judged] == ["flux", SYNC, "flux-system/apps", SYNC]
    assert [row for row in judged if row.status != OK] == []


def test_a_new_commit_is_waited_for(site: Site) -> None:
    settings = site.work / CLUSTER / "apps" / "settings.yaml"
    settings.write_text(settings.read_text().replace("red", "blue"))
    commit = site.push()
    run = site.play()
    assert run.status == 0, run.output
    assert f"have Flux fetch main@sha1:{commit[:14]}" in run.text
    assert site.object("kustomizations")["status"]["lastAppliedRevision"] == f"main@sha1:{commit}"
    assert site.color("blue") == "blue"


def test_a_new_deploy_key_is_taken_up(site: Site) -> None:
    site.admit(site.new_key("deploy.key"))
    run = site.play()
    assert run.status == 0, run.output
    assert "change Secret flux-system/flux-system: identity, identity.pub" in run.text
    assert site.values("flux-system")["identity"] == (site.folder / "deploy.key").read_text()
    repository = site.object("gitrepositories")
    asked = repository["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
    assert repository["status"]["lastHandledReconcileAt"] == asked
    run = site.play()
    assert (run.status, run.changed) == (0, False), run.output


def test_a_new_age_key_is_taken_up(site: Site) -> None:
    site.age = pyrage.x25519.Identity.generate()
    site.put(f"{CLUSTER}/apps/secret.yaml", site.secret(site.age, site.spare))
    site.push()
    (site.folder / "age.key").write_text(f"{site.age}\n")
    run = site.play()
    assert run.status == 0, run.output
    assert "change Secret flux-system/sops-age: age.agekey" in run.text
    assert site.values("web", "web") == {"password": PASSWORD}


def test_over_https_with_a_token_and_a_ca(twin: Twin, site: Site) -> None:
    twin.on("r730", "printf 'flux:t0ken-of-the-lab\\n' > /etc/lighttpd/users; systemctl restart git-over-https")
    (site.folder / "token").write_text("t0ken-of-the-lab\n")
    run = site.play(**site.https, flux_replace_sync=True)
    assert run.status == 0, run.output
    assert set(site.values("flux-system")) == {"username", "password", "ca.crt"}
    assert "t0ken-of-the-lab" not in run.output


def test_git_takes_flux_itself_over(site: Site) -> None:
    folder = site.work / CLUSTER / "flux-system"
    run = site.play(**site.https, flux_commit_folder=str(folder))
    assert run.status == 0, run.output
    assert f"write {folder}/gotk-components.yaml, for you to commit" in run.text
    site.put(f"{CLUSTER}/kustomization.yaml", {"resources": ["apps.yaml", "flux-system"]})
    site.push()
    run = site.play(**site.https)
    assert run.status == 0, run.output
    labels = site.object("deployment", "source-controller")["metadata"]["labels"]
    assert labels["kustomize.toolkit.fluxcd.io/name"] == "flux-system"
    # a newer set is downloaded, changes nothing in the cluster any more, and says so
    run = site.play(**site.https, homelab_release_overrides={"flux": "2.7.5"})
    assert run.status == 0 and "upgrade Flux" not in run.text, run.output
    for sentence in (
        "the controllers of Flux belong to Git (Kustomization flux-system) and are left to it",
        "they are of Flux 2.6, and the release set says 2.7.5; change that in Git",
        f"GitRepository {SYNC} belongs to Git (Kustomization flux-system) and is left to it",
    ):
        assert sentence in run.text


def test_flux_operator_may_keep_it_all(twin: Twin, site: Site) -> None:
    site.put(f"{CLUSTER}/kustomization.yaml", {"resources": ["apps.yaml"]})
    shutil.rmtree(site.work / CLUSTER / "flux-system")
    site.push()
    twin.kubectl("delete", "namespace", "flux-system", "web")
    run = site.play(**site.https, flux_operator=True)
    assert run.status == 0, run.output
    for sentence in ("install flux-operator 0.58.1", "create FluxInstance flux-system/flux"):
        assert sentence in run.text
    assert site.object("deployment", "source-controller")["metadata"]["labels"]["fluxcd.controlplane.io/name"] == "flux"
    assert site.values("web", "web") == {"password": PASSWORD}
    again = site.play(**site.https, flux_operator=True)
    assert (again.status, again.changed) == (0, False), again.output
