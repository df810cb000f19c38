"""Ranking metrics against trec_eval, V-measure and k-means against scikit-learn.

    pip install pytrec-eval-terrier scikit-learn
    npm run build && python test/oracles/ranking.py

1,000 random lists without ties, with graded relevance. Prints the largest difference of each metric
and exits 4 where one exceeds 1e-9 (k-means: where our inertia is over 1.02 times theirs).
`--fixture FILE` also writes the first 40 lists and 20 labelings with the reference's figures, for
the tests that run without Python.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytrec_eval
from sklearn.cluster import KMeans
from sklearn.metrics import homogeneity_completeness_v_measure

TOLERANCE = 1e-9
random = np.random.default_rng(20)


def ranked_list():
    """Distinct scores; the relevant candidates have grades of 1 to 4."""
    size = int(random.integers(1, 200))
    right = int(random.integers(1, min(size, 20) + 1))
    scores = random.permutation(size) / size
    positives = random.choice(size, right, replace=False)
    return {
        "scores": scores.tolist(),
        "positives": positives.tolist(),
        "grades": random.integers(1, 5, right).tolist(),
    }


def judged(lists, gain):
    return {
        str(i): {f"d{at}": int(gain(grade)) for at, grade in zip(one["positives"], one["grades"])}
        for i, one in enumerate(lists)
    }


def evaluated(lists, measures, gain=lambda grade: grade):
    run = {str(i): {f"d{at}": score for at, score in enumerate(one["scores"])} for i, one in enumerate(lists)}
    made = pytrec_eval.RelevanceEvaluator(judged(lists, gain), measures).evaluate(run)
    return [made[str(i)] for i in range(len(lists))]


def trec(lists):
    """Our name of a metric → trec_eval's figure, for each list."""
    names = {
        "hit1": "success_1",
        "hit5": "success_5",
        "hit10": "success_10",
        "recall5": "recall_5",
        "recall10": "recall_10",
        "mrr": "recip_rank",
        "map": "map",
        "ndcg5": "ndcg_cut_5",
        "ndcg10": "ndcg_cut_10",
    }
    plain = evaluated(lists, {"success.1,5,10", "recall.5,10", "recip_rank", "map", "ndcg_cut.5,10"})
    # trec_eval's gain is the grade itself: grades of 2^g - 1 make it exponential.
    steep = evaluated(lists, {"ndcg_cut.10"}, lambda grade: 2**grade - 1)
    return [
        {**{ours: one[theirs] for ours, theirs in names.items()}, "ndcg10Exponential": other["ndcg_cut_10"]}
        for one, other in zip(plain, steep)
    ]


def labeling():
    rows = int(random.integers(1, 120))
    labels, clusters = (random.integers(0, random.integers(1, 8), rows) for _ in range(2))
    return {"labels": labels.tolist(), "clusters": clusters.tolist()}


def agreement(one):
    homogeneity, completeness, v = homogeneity_completeness_v_measure(one["labels"], one["clusters"])
    return {"homogeneity": homogeneity, "completeness": completeness, "vMeasure": v}


def cloud():
    """Points around k centres that lie close together, and the centre of each."""
    k, dim, rows = 8, 16, 400
    centres = random.normal(size=(k, dim)) * 1.5
    labels = random.integers(0, k, rows)
    data = (centres[labels] + random.normal(size=(rows, dim))).astype(np.float32)
    return {"rows": rows, "dim": dim, "data": data.ravel().tolist(), "k": k, "labels": labels.tolist()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fixture", type=Path)
    fixture = parser.parse_args().fixture
    lists = [ranked_list() for _ in range(1000)]
    labelings = [labeling() for _ in range(1000)]
    clouds = [cloud() for _ in range(20)]
    expected = {"lists": trec(lists), "labelings": [agreement(one) for one in labelings]}
    given = json.dumps({"lists": lists, "labelings": labelings, "clouds": clouds})
    script = Path(__file__).with_suffix(".mjs")
    answer = subprocess.run(["node", script], input=given, capture_output=True, text=True, check=True).stdout
    got = json.loads(answer)
    worst = 0.0
    for kind in ["lists", "labelings"]:
        for name in expected[kind][0]:
            difference = max(abs(a[name] - b[name]) for a, b in zip(got[kind], expected[kind]))
            worst = max(worst, difference)
            print(f"{name:18} {len(got[kind])} {kind}: largest difference {difference:.1e}")
    ratios, ours, theirs = [], [], []
    for one, made in zip(clouds, got["clouds"]):
        rows = np.asarray(one["data"], np.float32).reshape(one["rows"], one["dim"])
        reference = KMeans(one["k"], n_init=10, random_state=0).fit(rows)
        ratios.append(made["inertia"] / reference.inertia_)
        ours.append(agreement({"labels": one["labels"], "clusters": made["clusters"]})["vMeasure"])
        theirs.append(agreement({"labels": one["labels"], "clusters": reference.labels_.tolist()})["vMeasure"])
    print(f"k-means, {len(ratios)} clouds: inertia / scikit-learn's {min(ratios):.4f} to {max(ratios):.4f},")
    print(f"  V-measure against the labels {np.mean(ours):.4f}, scikit-learn's {np.mean(theirs):.4f}")
    if fixture is not None:
        short = {
            "lists": [{**one, "expected": figures} for one, figures in zip(lists[:40], expected["lists"])],
            "labelings": [{**one, "expected": figures} for one, figures in zip(labelings[:20], expected["labelings"])],
        }
        fixture.write_text(json.dumps(short))
    sys.exit(0 if worst <= TOLERANCE and max(ratios) <= 1.02 else 4)


main()
