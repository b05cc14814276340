"""How much time is left."""

import time


class TimeIsUpError(Exception):
    """The budget does not allow the next step."""


class Budget:
    """So many seconds from now on; for tests, so many questions for the time, too."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self, needed: float = 0.0) -> None:
        """Raise if so many seconds are not left, or none at all.

        Raises:
            TimeIsUpError: What has been recorded until now remains.
        """
        if time.monotonic() + needed >= self._end:
            raise TimeIsUpError
