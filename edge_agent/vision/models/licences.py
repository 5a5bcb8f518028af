"""Which licences a model may have to be used at a gate, which is a use for pay by whoever runs the terminal.

Names are SPDX identifiers (spdx.org/licenses).
"""

from __future__ import annotations

# Permissive: any use, with at most attribution and the licence's text kept beside the model.
PERMISSIVE = frozenset({
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MulanPSL-2.0",
    "Unlicense",
    "Zlib",
})  # fmt: skip

LEAST_STATEMENT = 20


def refusal(spdx: str, operator_licence: str | None) -> str:
    """Why a model under this licence may not be used, as a clause; empty when it may.

    Args:
        spdx: one SPDX identifier, or several joined with AND, as the manifest says.
        operator_licence: the operator's own statement of the right to use it (which agreement, with whom, until
            when). It answers for a licence that is not in PERMISSIVE.
    """
    refused = [part for part in spdx.split(" AND ") if part.strip() not in PERMISSIVE]
    if not refused:
        return ""
    if operator_licence is None:
        return f"its licence, {', '.join(refused)}, does not allow use at a gate without an agreement"
    if len(operator_licence.strip()) < LEAST_STATEMENT:
        return f"its operator_licence {operator_licence!r} names no agreement"
    return ""
