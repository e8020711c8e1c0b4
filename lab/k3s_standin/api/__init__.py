# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API server of the K3s stand-in: standard library and PyYAML only, to fit in a zipapp.

PyPI's kmock is a pytest mock without a durable store, server-side apply, tables or OpenAPI; real clients need those,
hence this package.
"""
