# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which architecture a PCI device id stands for, and which drivers know it."""

from __future__ import annotations

VENDORS = {"10de": "nvidia", "8086": "intel", "1002": "amd"}
# Consoles of server boards' management controllers (ASPEED, Matrox), and of virtual machines (QEMU, virtio, VMware,
# Cirrus, Hyper-V, QXL): they show a screen and compute nothing.
CONSOLES = frozenset({"1a03", "102b", "1234", "1af4", "15ad", "1013", "1414", "1b36"})

# First and last device id of each range, after the code names in the PCI ID database and in NVIDIA's own list.
NVIDIA: tuple[tuple[int, int, str], ...] = (
    (0x0FC0, 0x103F, "kepler"),
    (0x1180, 0x12BF, "kepler"),
    (0x1340, 0x143F, "maxwell"),
    (0x15F0, 0x15FF, "pascal"),
    (0x1617, 0x17FF, "maxwell"),
    (0x1B00, 0x1D7F, "pascal"),
    (0x1D80, 0x1DFF, "volta"),
    (0x1E00, 0x1FFF, "turing"),
    (0x2080, 0x20FF, "ampere"),
    (0x2180, 0x21FF, "turing"),
    (0x2200, 0x228F, "ampere"),
    (0x2300, 0x237F, "hopper"),
    (0x2400, 0x25FF, "ampere"),
    (0x2680, 0x28FF, "ada"),
    (0x2900, 0x2DFF, "blackwell"),
    (0x2F00, 0x2FFF, "blackwell"),
    (0x3180, 0x31FF, "blackwell"),
)

# As the kernel's driver tells generations apart (include/drm/intel/pciids.h); the newer a range, the further down.
INTEL: tuple[tuple[int, int, str], ...] = (
    (0x1600, 0x163F, "gen8-broadwell"),
    (0x22B0, 0x22B3, "gen8-cherryview"),
    (0x1900, 0x193F, "gen9-skylake"),
    (0x0A84, 0x0A84, "gen9-apollolake"),
    (0x1A84, 0x1A85, "gen9-apollolake"),
    (0x5A84, 0x5A85, "gen9-apollolake"),
    (0x3184, 0x3185, "gen9-geminilake"),
    (0x5900, 0x593F, "gen9-kabylake"),
    (0x87C0, 0x87C0, "gen9-kabylake"),
    (0x3E90, 0x3EAF, "gen9-coffeelake"),
    (0x87CA, 0x87CA, "gen9-coffeelake"),
    (0x9B20, 0x9BFF, "gen9-cometlake"),
    (0x8A50, 0x8A7F, "gen11-icelake"),
    (0x4500, 0x457F, "gen11-elkhartlake"),
    (0x4E50, 0x4E7F, "gen11-jasperlake"),
    (0x9A40, 0x9AFF, "gen12-tigerlake"),
    (0x4C80, 0x4C9F, "gen12-rocketlake"),
    (0x4680, 0x469F, "gen12-alderlake-s"),
    (0x4620, 0x463F, "gen12-alderlake-p"),
    (0x46A0, 0x46CF, "gen12-alderlake-p"),
    (0x46D0, 0x46DF, "gen12-alderlake-n"),
    (0x4905, 0x490F, "gen12-dg1"),
    (0xA780, 0xA78F, "gen12-raptorlake-s"),
    (0xA720, 0xA72F, "gen12-raptorlake-p"),
    (0xA7A0, 0xA7AF, "gen12-raptorlake-p"),
    (0x4F80, 0x4F8F, "arc-alchemist"),
    (0x5690, 0x56CF, "arc-alchemist"),
    (0x7D40, 0x7D5F, "gen12-meteorlake"),
    (0x7D60, 0x7D7F, "gen12-arrowlake"),
    (0x7DC0, 0x7DDF, "gen12-arrowlake"),
    (0x6420, 0x642F, "xe2-lunarlake"),
    (0x64A0, 0x64BF, "xe2-lunarlake"),
    (0xE200, 0xE2FF, "arc-battlemage"),
)

MODELS = {
    "10de:1eb8": "Tesla T4",
    "10de:2684": "GeForce RTX 4090",
    "10de:2235": "A40",
    "10de:20b5": "A100 80GB PCIe",
    "10de:2331": "H100 PCIe",
    "10de:2335": "H200",
    "10de:26b5": "L40",
    "10de:27b8": "L4",
    "10de:1b38": "Tesla P40",
    "10de:1db4": "Tesla V100 PCIe 16GB",
    "8086:9bc5": "UHD Graphics 630",
    "8086:9bc8": "UHD Graphics 630",
    "8086:4680": "UHD Graphics 770",
    "8086:4692": "UHD Graphics 730",
    "8086:a780": "UHD Graphics 770",
    "8086:56a5": "Arc A380",
}

# The oldest and the newest driver branch that knows an architecture; none where later ones still do. After 580 NVIDIA
# dropped everything older than Turing.
BRANCHES: dict[str, tuple[int, int | None]] = {
    "kepler": (304, 470),
    "maxwell": (340, 580),
    "pascal": (367, 580),
    "volta": (384, 580),
    "turing": (410, None),
    "ampere": (450, None),
    "hopper": (515, None),
    "ada": (520, None),
    "blackwell": (570, None),
}


def vendor_of(vendor_id: str) -> str:
    """The maker's name, or other."""
    return VENDORS.get(vendor_id, "other")


def family_of(pci_id: str) -> str | None:
    """The architecture of a device, as 10de:1eb8; None for one that the table does not know."""
    vendor_id, _colon, device_id = pci_id.partition(":")
    table = {"10de": NVIDIA, "8086": INTEL}.get(vendor_id, ())
    device = int(device_id, 16)
    return next((family for first, last, family in table if first <= device <= last), None)


def generation_of(family: str) -> str:
    """The generation that an Intel family belongs to, as gen9."""
    return family.partition("-")[0]


def guc_by_default(family: str) -> int:
    """The value that i915 takes for enable_guc by itself (uc_expand_default_options in intel_uc.c)."""
    if generation_of(family) in ("gen8", "gen9", "gen11") or family in ("gen12-tigerlake", "gen12-rocketlake"):
        return 0
    return 2 if family == "gen12-alderlake-s" else 3


def guc_for_low_power(family: str) -> int | None:
    """The value of enable_guc that low-power encoding needs where the kernel's own does not load the HuC.

    Never 3 there: i915 does not submit work through the GuC of these generations. None: leave the parameter alone.
    """
    has_huc = generation_of(family) in ("gen9", "gen11", "gen12")
    return 2 if has_huc and guc_by_default(family) == 0 else None
