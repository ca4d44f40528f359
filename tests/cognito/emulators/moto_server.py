"""moto's server. It takes codes by the clock in the file that OATHBRIDGE_CLOCK names: Unix seconds."""

import os
import sys
from types import SimpleNamespace

from moto.cognitoidp import utils
from moto.server import main


def now() -> float:
    with open(os.environ["OATHBRIDGE_CLOCK"], encoding="ascii") as clock:
        return float(clock.read())


utils.time = SimpleNamespace(time=now)
sys.exit(main(sys.argv[1:]))
