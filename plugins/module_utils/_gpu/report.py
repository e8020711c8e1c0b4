# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what gpu_info returns, as plain data."""

from __future__ import annotations

from dataclasses import asdict

from .families import guc_for_low_power
from .model import Found, Gpu, Verdict


def report(found: Found, verdict: Verdict) -> dict[str, object]:
    """Everything, in the words of the module's documentation."""
    module, answer = found.module_of(found.running_kernel), found.nvidia_answer
    return {
        "gpus": [_gpu(gpu) for gpu in found.gpus],
        "nvidia": {
            "loaded": found.nvidia_loaded,
            "open": found.nvidia_open,
            "on_disk": module.version if module else None,
            "modules": [asdict(each) for each in found.modules],
            "userland": list(found.nvidia_userland),
            "answers": answer.status == 0 if answer else None,
        },
        "nouveau_loaded": found.nouveau_loaded,
        "secure_boot": found.secure_boot,
        "kernels": {"running": found.running_kernel, "next": found.next_kernel, "installed": list(found.kernels)},
        "groups": dict(found.groups),
        "i915": {"enable_guc": found.enable_guc, "configured": found.enable_guc_configured},
        **asdict(verdict),
        "reboot_required": bool(verdict.reboot_reasons),
    }


def _gpu(gpu: Gpu) -> dict[str, object]:
    parameter = guc_for_low_power(gpu.family) if gpu.vendor == "intel" and gpu.family else None
    return {**asdict(gpu), "guc_low_power": parameter}
