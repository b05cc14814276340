"""Settings for all tests, before torch is imported."""

import os

import hypothesis

# Workers run side by side; more threads than cores make all of them slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on who else uses the machine.
hypothesis.settings.register_profile("book", deadline=None)
hypothesis.settings.load_profile("book")
