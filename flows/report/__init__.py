# SPDX-License-Identifier: Apache-2.0
"""What a build leaves behind for people and programs: `report.json`, `report.html`, a summary."""
