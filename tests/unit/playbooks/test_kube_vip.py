# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-vip's manifest as K3s will read it: its image cannot run in a lab of containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles/k3s_server"


def rendered(**values: str) -> list[dict[str, Any]]:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)
    template = environment.from_string((ROLE / "templates/kube-vip.yaml.j2").read_text())
    wish = {"k3s_server_virtual_interface": "", "k3s_server_kube_vip_image": defaults["k3s_server_kube_vip_image"]}
    return list(yaml.safe_load_all(template.render(**{**wish, **values})))


def variables(documents: list[dict[str, Any]]) -> dict[str, str]:
    container = documents[-1]["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", "") for each in container["env"]}


@pytest.mark.parametrize(("address", "bits"), [("192.168.10.40", "32"), ("fd00::40", "128")])
def test_the_address_and_the_apis_port(address: str, bits: str) -> None:
    found = variables(rendered(k3s_server_virtual_address=address))
    assert (found["address"], found["vip_subnet"], found["port"]) == (address, bits, "6443")
    assert (found["cp_enable"], found["svc_enable"], found["vip_leaderelection"]) == ("true", "false", "true")
    assert "vip_interface" not in found
    with_interface = rendered(k3s_server_virtual_address=address, k3s_server_virtual_interface="eno1")
    assert variables(with_interface)["vip_interface"] == "eno1"


def test_it_runs_on_every_server_before_there_is_a_network() -> None:
    account, role, binding, daemon = rendered(k3s_server_virtual_address="192.168.10.40")
    pod = daemon["spec"]["template"]["spec"]
    terms = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}]
    assert pod["hostNetwork"] is True
    assert {each["effect"] for each in pod["tolerations"]} == {"NoSchedule", "NoExecute"}
    assert pod["serviceAccountName"] == account["metadata"]["name"] == binding["subjects"][0]["name"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert daemon["spec"]["selector"]["matchLabels"].items() <= daemon["spec"]["template"]["metadata"]["labels"].items()
