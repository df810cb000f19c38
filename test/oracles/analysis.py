"""Alignment measures and remedies against NumPy, SciPy and scikit-learn.

    pip install numpy scipy scikit-learn
    npm run build && python test/oracles/analysis.py

Each measure is computed anew from its paper's formula on random pairs of several shapes, some with
texts or images that occur several times, some with more elements than pairs. Prints the largest
difference of each, as a share of figures above 1, and exits 4 where one exceeds its bound: 1e-6 for
sums of f32 products, more for the two fits that go round by round.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.linalg import orthogonal_procrustes, svd
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import ks_2samp, skew
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

random = np.random.default_rng(31)
STAY = 0.01
TIED = 1e-9


def pairs(count, dim, noise, shift):
    latent = random.normal(size=(count, dim))
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    images = latent + noise * random.normal(size=latent.shape) + shift * random.normal(size=dim)
    texts = latent @ turn * 0.5 + latent * 0.5 + noise * random.normal(size=latent.shape)
    return images.astype("f4").astype("f8"), (texts + shift * random.normal(size=dim)).astype("f4").astype("f8")


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def off(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def hsic(k, l):
    """Song et al. 2012, eq. 5."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    one = np.ones(n)
    return (
        np.trace(k @ l)
        + one @ k @ one * (one @ l @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * one @ k @ l @ one
    ) / (n * (n - 3))


def distribution_gap(x, y):
    """Energy distance of the centred sets over couples of different pairs, the centres given back."""
    n = len(x)
    a, b = x - x.mean(0), y - y.mean(0)
    # Centres of finitely many vectors follow these: each couple's squared distance is too small by it.
    spread = ((a - b) ** 2).sum(1).mean() * (n * n / (n * (n - 1)) - 1)
    between = np.sqrt(np.maximum(off(cdist(a, b) ** 2) + spread, 0)).mean()
    return (2 * between - off(cdist(x, x)).mean() - off(cdist(y, y)).mean()) / (2 * between)


def gain_at(k):
    return lambda rank: np.where(rank <= k, 1 / np.log2(1 + rank), 0)


def hit(rank):
    return rank == 1


def expected(gain, scores, right):
    """Mean over the ranks that the right one may have: ties are in no order."""
    above = (scores > scores[right] + TIED).sum()
    level = (np.abs(scores - scores[right]) <= TIED).sum()
    return gain(np.arange(above + 1, above + level + 1)).mean()


def recall(cosines):
    return np.mean([expected(hit, row, i) for i, row in enumerate(cosines)])


def mixed(own, other, gain):
    within = own @ own.T
    return np.mean(
        [expected(gain, np.concatenate([other @ own[i], np.delete(within[i], i)]), i) for i in range(len(own))]
    )


def nearest(scores, k):
    """For each candidate the chance to be among the first k."""
    bound = np.sort(scores)[::-1][k - 1]
    level = np.abs(scores - bound) <= TIED
    above = (scores > bound + TIED).sum()
    return np.where(level, (k - above) / level.sum(), scores > bound)


def neighbours(cosines, k):
    own = np.array(cosines)
    np.fill_diagonal(own, -np.inf)
    return np.array([nearest(row, k) for row in own])


def in_span(x, y):
    """Coordinates in the span of all vectors, where these are fewer than their elements."""
    if x.shape[1] <= 2 * len(x):
        return x, y
    basis = np.linalg.qr(np.concatenate([x, y]).T)[0]
    return x @ basis, y @ basis


def rotation(x, y):
    matched = x.T @ y
    stay = STAY * np.linalg.norm(matched) / np.sqrt(len(matched))
    u, _, v = svd(matched + stay * np.eye(len(matched)))
    return u @ v


def procrustes(x, y):
    x, y = in_span(x, y)
    half = np.arange(len(x)) % 2
    sums = np.zeros(3)
    for side in (0, 1):
        fit, own = half != side, half == side
        mx, my = x[fit].mean(0), y[fit].mean(0)
        a, b = (x[own] - mx) @ rotation(x[fit] - mx, y[fit] - my), y[own] - my
        sums += [(a * b).sum(), (a * a).sum(), (b * b).sum()]
    return 1 - max(0, sums[0] / np.sqrt(sums[1] * sums[2])) ** 2


def separability(x, y):
    areas = []
    for side in (0, 1):
        fit = np.arange(len(x)) % 2 != side
        axis = x[fit].mean(0) - y[fit].mean(0)
        own = ~fit
        areas.append(roc_auc_score([1] * own.sum() + [0] * own.sum(), np.r_[x[own] @ axis, y[own] @ axis]))
    return np.mean(areas)


def effective_rank(x):
    k = x @ x.T
    return (1 - off(k).mean()) ** 2 / hsic(k, k)


def measured(images, texts):
    x, y = unit(images), unit(texts)
    n = len(x)
    # Rounded: equal vectors have equal cosines.
    cross, k, l = (np.round(a @ b.T, 10) for a, b in [(x, y), (x, x), (y, y)])
    matched, mismatched = np.diag(cross), off(cross)
    across, within = 1 - matched.mean(), 1 - (off(k).mean() + off(l).mean()) / 2
    gap = np.linalg.norm(x.mean(0) - y.mean(0))
    kept = min(10, n - 1)
    both = neighbours(k, kept) * neighbours(l, kept)
    found = np.sum([nearest(row, min(10, n)) for row in cross], 0)
    found_images = np.sum([nearest(row, min(10, n)) for row in cross.T], 0)
    return {
        "modalityGap": gap,
        "distributionGap": distribution_gap(x, y),
        "relativeGap": across / (across + within),
        "separability": separability(x, y),
        "matchedMargin": matched.mean() - mismatched.mean(),
        "matchedAuc": roc_auc_score(np.r_[np.ones(n), np.zeros(len(mismatched))], np.r_[matched, mismatched]),
        "matchedOverlap": 1 - ks_2samp(matched, mismatched).statistic,
        "recallImageToText": recall(cross),
        "recallTextToImage": recall(cross.T),
        "recallMixed": (mixed(x, y, hit) + mixed(y, x, hit)) / 2,
        "ndcgMixed": (mixed(x, y, gain_at(10)) + mixed(y, x, gain_at(10))) / 2,
        "alignment": ((x - y) ** 2).sum(1).mean(),
        "centredAlignment": ((x - x.mean(0) - y + y.mean(0)) ** 2).sum(1).mean(),
        "uniformityImages": np.log(np.exp(-2 * off(cdist(x, x) ** 2)).mean()),
        "uniformityTexts": np.log(np.exp(-2 * off(cdist(y, y) ** 2)).mean()),
        "linearCka": hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l)),
        "procrustes": procrustes(x, y),
        "mutualNeighbours": both.sum(1).mean() / kept,
        "effectiveRankImages": effective_rank(x),
        "effectiveRankTexts": effective_rank(y),
        "anisotropyImages": off(k).mean(),
        "anisotropyTexts": off(l).mean(),
        "hubness": skew(found),
        "hubnessImages": skew(found_images),
    }


def sinkhorn(cosines, entropy):
    """In logarithms."""
    n, m = cosines.shape
    kernel = (cosines - 1) / entropy
    f, g = np.zeros(n), np.zeros(m)
    for _ in range(20000):
        f = -np.log(n) - logsumexp(kernel + g, axis=1)
        g = -np.log(m) - logsumexp(kernel + f[:, None], axis=0)
    return entropy * g


def fitted(x, y, ridge, cosines, entropy):
    x, y, cosines = np.array(x), np.array(y), np.array(cosines)
    dim = x.shape[1]
    alpha = ridge * np.trace(x.T @ x) / dim
    lw = LedoitWolf(assume_centered=True).fit(x)
    g = sinkhorn(cosines, entropy)
    return {
        "ridge": Ridge(alpha=alpha, fit_intercept=False).fit(x, y).coef_.T.ravel(),
        "rotation": rotation(x, y).ravel(),
        "covariance": lw.covariance_.ravel(),
        "shrinkage": lw.shrinkage_,
        "potential": g - g.mean(),
    }


def main():
    shapes = [(40, 8, 0.5, 0.0), (60, 24, 1.0, 1.0), (90, 120, 2.0, 0.3), (200, 16, 3.0, 2.0), (30, 150, 1.0, 0.5)]
    sets = [pairs(*shape) for shape in shapes for _ in range(5)]
    for images, texts in [pairs(80, 12, 1.0, 0.5) for _ in range(3)]:
        often = random.integers(0, 9, len(images))
        sets += [(images, texts[often]), (images[often], texts), (images[often], texts[often])]
    fits = []
    for rows, dim in [(120, 10), (30, 40), (200, 64)]:
        x, y = pairs(rows, dim, 1.0, 0.0)
        x, y = (x - x.mean(0)).astype("f4").tolist(), (y - y.mean(0)).astype("f4").tolist()
        cosines = (unit(random.normal(size=(50, 6))) @ unit(random.normal(size=(50, 6))).T).astype("f4").tolist()
        fits.append({"x": x, "y": y, "ridge": 0.1, "cosines": cosines, "entropy": 0.2})
    given = {"sets": [{"images": x.tolist(), "texts": y.tolist()} for x, y in sets], "fits": fits}
    program = Path(__file__).with_name("analysis.mjs")
    answer = subprocess.run(["node", program], input=json.dumps(given), capture_output=True, text=True, check=True)
    ours = json.loads(answer.stdout)
    worst = {}
    for (x, y), own in zip(sets, ours["measured"]):
        for name, figure in measured(x, y).items():
            worst[name] = max(worst.get(name, 0), abs(figure - own[name]) / max(1, abs(figure)))
        missing = set(own) - set(measured(x, y))
        assert not missing, missing
    for fit, own in zip(fits, ours["fitted"]):
        for name, figure in fitted(**fit).items():
            mine = np.array(own[name])
            mine = mine - mine.mean() if name == "potential" else mine
            worst[f"fit: {name}"] = max(worst.get(f"fit: {name}", 0), np.abs(figure - mine).max())
    bounds = {"fit: rotation": 1e-5, "fit: potential": 2e-4}
    bad = 0
    for name, difference in worst.items():
        bound = bounds.get(name, 1e-6)
        bad += not difference <= bound
        print(f"{name:22} {difference:9.1e}  {'' if difference <= bound else f'exceeds {bound}'}")
    print(f"{len(sets)} sets of pairs, {len(fits)} fits")
    sys.exit(4 if bad else 0)


if __name__ == "__main__":
    main()
