"""What the benchmark prints."""

from bench.table import comparison, limits, targets


def test_a_figure_is_the_median_of_its_runs():
    assert "| import, s | 0.20 |" in comparison({"perdure": {"import": [0.1, 0.2, 9.0]}})


def test_the_others_are_compared_with_the_first():
    table = comparison({"perdure": {"seq": [0.05]}, "dbos": {"seq": [2.0]}, "joblib": {"seq": [0.01]}})
    assert "| seq, ms a task | 0.050 | 2.000 (40x) | 0.010 (0.20x) |" in table


def test_what_was_not_measured_is_left_empty():
    assert "| seq, ms a task | 0.050 |  |" in comparison({"perdure": {"seq": [0.05]}, "joblib": {}})


def test_the_worst_share_of_tracked_tasks_is_shown():
    assert "| 0.11 |" in comparison({"prefect3": {"tracked": [1.0, 0.11, 1.0]}})


def test_a_limit_says_how_far_above_it_perdure_is():
    table = limits({"arguments bound to a signature": [0.003]}, {"seq": [0.03]})
    assert "| arguments bound to a signature | 3.0 | seq: 10x |" in table


def test_a_target_is_a_ratio_to_what_was_measured_in_the_same_run():
    limits = {
        "an SQLite commit of one row (WAL, synchronous=normal)": [0.05],
        "a file of 200 bytes, written and renamed": [0.03],
    }
    assert "| a persisted call, in a commit and a file | 2 | 2.2 |" in targets({"perdure": {"persist": [0.16]}}, limits)
    assert "| `import perdure`, in joblib's | 0.5 | 1 |" in targets(
        {"perdure": {"import": [0.1]}, "joblib": {"import": [0.2]}}, {}
    )


def test_what_does_not_count_is_taken_off():
    assert "over its import | 0.125 | 0.15 |" in targets({"perdure": {"first result": [0.25], "import": [0.125]}}, {})


def test_a_target_whose_other_side_was_not_measured_is_left_out():
    assert "cache hit" not in targets({"perdure": {"cache hit": [0.1]}}, {})
