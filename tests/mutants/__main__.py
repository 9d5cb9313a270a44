"""`python -m tests.mutants [PART ...]`: the share of faults that the mirrored test files notice."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"

from tests.mutants import runner, tables

_NUM_PROCESSES = int(os.environ.get("MUTANTS_PROCESSES", "2"))
_LEAST_SHARE = 0.95


def main(*only: str) -> int:
    """Prints what became of every fault; returns 1 if too few were noticed."""
    mutants = tables.load(only)
    tests = sorted({mutant.test for mutant in mutants})
    read, write = os.pipe()
    children = []
    for index in range(_NUM_PROCESSES):
        child = os.fork()
        if child == 0:
            os.close(read)
            # The faults of one module go to one process, whose tests share what is cached.
            share = slice(index, None, _NUM_PROCESSES)
            runner.run(mutants[share], tests[share], write)
            os._exit(0)
        children.append(child)
    os.close(write)
    lines = []
    with os.fdopen(read) as results:
        for line in results:
            print(line, end="", flush=True)
            lines.append(line.split("\t")[0])
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    killed, survived = lines.count("killed"), lines.count("SURVIVED")
    share = killed / max(1, killed + survived)
    print(f"{killed} of {killed + survived} faults were noticed: {share:.1%}")
    complete = killed + survived == len(mutants) and not any(codes) and "broken" not in lines
    return 0 if complete and share >= _LEAST_SHARE else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
