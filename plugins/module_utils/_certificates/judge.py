# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a node's certificates say, and which of them come to their end."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

DAY = 86400


@dataclass(frozen=True)
class Certificate:
    """The first certificate of one file, which is the leaf where there is one; problem says why it cannot be read."""

    path: str
    subject: str = ""
    ends: float = 0.0
    authority: bool = False
    problem: str = ""

    def days_left(self, now: float) -> int:
        """Whole days until the end, negative afterwards."""
        return int((self.ends - now) // DAY)

    def as_dict(self, now: float) -> dict[str, object]:
        """What the user sees."""
        return {
            "path": self.path,
            "subject": self.subject,
            "ends": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.ends)),
            "days_left": self.days_left(now),
            "authority": self.authority,
        }


def parse(path: str, text: str) -> Certificate:
    """Read the answer of openssl x509 -noout -subject -enddate -ext basicConstraints."""
    end = re.search(r"^notAfter=(.+)$", text, re.MULTILINE)
    subject = re.search(r"^subject=\s*(.*)$", text, re.MULTILINE)
    if not end or not subject:
        return Certificate(path, problem="openssl names no subject and end")
    return Certificate(path, subject[1].strip(), float(ssl.cert_time_to_seconds(end[1].strip())), "CA:TRUE" in text)


def expiring(certificates: Iterable[Certificate], days: int, now: float) -> list[Certificate]:
    """Leaves that end within so many days or cannot be read, the first to end first; authorities are not rotated."""
    found = [
        certificate
        for certificate in certificates
        if certificate.problem or (not certificate.authority and certificate.ends - now <= days * DAY)
    ]
    return sorted(found, key=lambda certificate: (certificate.ends, certificate.path))


def sentence(certificate: Certificate, now: float) -> str:
    """Why a certificate has to be replaced."""
    if certificate.problem:
        return f"{certificate.path} cannot be read: {certificate.problem}"
    left = certificate.days_left(now)
    if certificate.ends <= now:
        return f"{certificate.path} ended {-left} days ago"
    return f"{certificate.path} ends in {left} days"
