"""One way to run for everybody: the same examples each time, no window, one thread of linear algebra."""

import os
import signal

# A shell that starts the tests in the background lets them, and the programs they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import HealthCheck, settings  # noqa: E402  (numpy reads the variables above when it starts)

# Property tests of whole runs are slow by nature; a slow machine must not turn them red.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

settings.register_profile("ci", derandomize=True, **PATIENT)
settings.register_profile("explore", derandomize=False, max_examples=1_000, **PATIENT)
settings.register_profile("smoke", derandomize=True, max_examples=10, **PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
