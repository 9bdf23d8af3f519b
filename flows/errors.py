# SPDX-License-Identifier: Apache-2.0
"""Errors a user can cause or meet; the command line prints them without a traceback, exit code 2.

Every message says, in this order: where, what was found, what is allowed, what to do.
"""


class FlowError(Exception):
    """Base of all errors that the command line reports as one message."""


class UsageError(FlowError):
    """An option, a name or a file that the user gave cannot be used."""


class UnsupportedModelError(FlowError):
    """A network holds something that cannot be lowered to hardware."""


class FoldingError(FlowError):
    """A folding (PE, SIMD, M) that is not legal, or a target that no legal folding reaches."""


class VerificationError(FlowError):
    """Hardware, graph and reference differ. Carries the first place where they do."""


class ToolError(FlowError):
    """A tool is missing or failed; the message has the command, the exit code and the log's end."""
