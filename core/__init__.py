"""What Encore does, without a screen: services, pure rules and the ports to the outside."""

import os

# Read by numpy when it is first imported, hence here. A search is one pass over the memory: a second thread
# gains nothing and, with workers beside it, waits: p50 9 against 48 ms at 100,000 faces on two busy cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
