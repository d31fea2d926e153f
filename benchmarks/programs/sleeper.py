"""A target with one module of its own and nothing else."""

import prices
import readiness

CHEAPEST = prices.cheapest([prices.Price(1250), prices.Price(980)])
readiness.wait_as_target()
