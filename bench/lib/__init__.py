# SPDX-License-Identifier: MIT
"""The parts of the bench; run.py is where they are put together."""
