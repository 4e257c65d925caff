#!/usr/bin/env python3
"""The project's own style rules (CONTRIBUTING.md), each a small function in *_rules.py.

For every rule two things count as tests: that it finds its bad samples and lets its good one pass, and that the project
keeps it. Ends with "N passed, N failed"; exit status 1 if anything failed. `tidy.py NAME…` runs the named rules alone.
"""

import sys
from pathlib import Path

import common_rules  # noqa: F401  (importing registers the rules)
import core_rules  # noqa: F401
import lua_rules  # noqa: F401
from source import RULES, Tree, read_tree


def sample_faults(function, bad, good):
    """What is wrong with the rule itself."""
    for index, sample in enumerate(bad, 1):
        if not list(function(Tree(sample))):
            yield f"bad sample {index} passes"
    for path, line, text in function(Tree(good)):
        yield f"the good sample fails: {path}:{line}: {text}"


def run(tree, wanted):
    results = []
    for function, bad, good in RULES:
        if wanted and function.__name__ not in wanted:
            continue
        broken = list(sample_faults(function, bad, good))
        faults = [f"{path}:{line}: {text}" for path, line, text in function(tree)]
        for kind, found in (("can fail", broken), ("holds", faults)):
            results.append(not found)
            print(f"{'FAIL' if found else 'ok  '}  {function.__name__} {kind}")
            for fault in found:
                print(f"      {fault}")
    return results


def main():
    wanted = set(sys.argv[1:])
    unknown = wanted - {function.__name__ for function, _, _ in RULES}
    if unknown:
        sys.exit(f"no such rule: {', '.join(sorted(unknown))}")
    tree = read_tree(Path(__file__).resolve().parents[2])
    results = run(tree, wanted)
    passed = sum(results)
    print(f"{passed} passed, {len(results) - passed} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
