# SPDX-License-Identifier: Apache-2.0
"""The one error of this package that a user can cause; command lines print it without a traceback.

Every message says, in this order: where, what was found, what is allowed, what to do.
"""


class ModelError(Exception):
    """A model name, data set, checkpoint or training state that cannot be used."""
