"""Schema contract, expectation suite, score, quarantine and reports."""
