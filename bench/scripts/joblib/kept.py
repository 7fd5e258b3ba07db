"""`kept.py keep` keeps a value, `kept.py` reads it: what a process takes that only looks at a result."""

import sys

import joblib

if __name__ == "__main__":
    if sys.argv[1:] == ["keep"]:
        joblib.dump({"i": 1}, "kept.joblib")
    else:
        print(joblib.load("kept.joblib"))
