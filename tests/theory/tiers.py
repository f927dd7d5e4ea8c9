"""Which theory tests run when: the fast tier always, the thorough one (minutes) on request."""

import os

import pytest

_ASKED = bool(os.environ.get("CROSSMARGIN_THOROUGH"))


def thorough(test):
    """Mark a test of the thorough tier."""
    skip = pytest.mark.skipif(not _ASKED, reason="takes minutes; set CROSSMARGIN_THOROUGH=1")
    return pytest.mark.slow(skip(test))
