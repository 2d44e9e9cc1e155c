"""Run a command and print the peak memory of its process after what it printed."""

import resource
import subprocess
import sys

done = subprocess.run(sys.argv[1:], check=False)
print(f"memory {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.1f}", flush=True)
sys.exit(done.returncode)
