# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker joins a running cluster, and both machines are rebooted."""

from __future__ import annotations

from tests.twin import Twin

SERVER, WORKER = "k3s-master1", "k3s1"
BOOT = "cut -d ' ' -f 22 /proc/1/stat"


def open_and_ready(twin: Twin) -> dict[str, tuple[str, bool]]:
    """Ready, and whether pods may come."""
    return {
        item["metadata"]["name"]: (
            next(each["status"] for each in item["status"]["conditions"] if each["type"] == "Ready"),
            not item["spec"].get("unschedulable", False),
        )
        for item in twin.get("nodes")["items"]
    }


def test_added_and_the_server_untouched(twin: Twin) -> None:
    assert list(open_and_ready(twin)) == [SERVER]
    before = twin.on(SERVER, "systemctl show -P InvocationID k3s")
    run = twin.play("playbooks/add_node.yml", "-e", f"node={WORKER}")
    assert run.status == 0, run.output[-3000:]
    assert open_and_ready(twin) == {SERVER: ("True", True), WORKER: ("True", True)}
    labels = twin.get("node", WORKER)["metadata"]["labels"]
    wanted = twin.variables[WORKER]["homelab_node"]["labels"]
    assert {key: labels.get(key) for key in wanted} == wanted
    assert twin.on(SERVER, "systemctl show -P InvocationID k3s") == before
    assert not twin.play("playbooks/add_node.yml", "-e", f"node={WORKER}").changed


def test_the_name_of_a_node_is_not_given_to_another_machine(twin: Twin) -> None:
    twin.on(WORKER, "mv /etc/systemd/system/k3s-agent.service /root/")
    run = twin.play("playbooks/add_node.yml", "-e", f"node={WORKER}")
    twin.on(WORKER, "mv /root/k3s-agent.service /etc/systemd/system/")
    assert run.status != 0 and not run.changed
    assert f"if this machine takes its place, run rebuild_node.yml -e node={WORKER}" in run.text


def test_nothing_is_rebooted_that_does_not_ask_for_it(twin: Twin) -> None:
    run = twin.play("playbooks/reboot_nodes.yml", "-e", "only_required=true")
    assert run.status == 0 and not run.changed, run.output[-3000:]
    check = twin.play("playbooks/reboot_nodes.yml", "--check")
    assert check.status == 0 and not check.changed, check.output[-3000:]


def test_one_after_the_other_and_a_persons_cordon_stays(twin: Twin) -> None:
    twin.kubectl("cordon", WORKER)
    before = {name: twin.on(name, BOOT) for name in (SERVER, WORKER)}
    run = twin.play("playbooks/reboot_nodes.yml")
    assert run.status == 0, run.output[-3000:]
    assert all(twin.on(name, BOOT) != boot for name, boot in before.items())
    assert open_and_ready(twin) == {SERVER: ("True", True), WORKER: ("True", False)}
    twin.kubectl("uncordon", WORKER)


def test_a_sick_node_stops_the_rest(twin: Twin) -> None:
    before = twin.on(WORKER, BOOT)
    twin.on(WORKER, "systemctl stop k3s-agent")
    twin.kubectl("wait", "--for=condition=Ready=Unknown", f"node/{WORKER}", "--timeout=90s")
    run = twin.play("playbooks/reboot_nodes.yml", "--limit", WORKER)
    assert run.status != 0 and not run.changed
    assert f"{WORKER} is not Ready (Unknown), and nodes after it are not touched" in run.text
    assert twin.on(WORKER, BOOT) == before
