"""Products of tensors along dimensions that are named or listed."""
from golden import T, case, ints, refusal, spread

for equation, *shapes in [
    ("ij->ji", [2, 3]), ("ii->i", [3, 3]), ("ii", [3, 3]), ("ij->", [2, 3]), ("ij->i", [2, 3]), ("ba", [2, 3]), ("iij->ji", [2, 2, 3]),
    ("ij,jk->ik", [2, 3], [3, 4]), ("ij,jk", [2, 3], [3, 4]), ("i,j->ij", [2], [3]), ("i,i->", [4], [4]), ("i,i->i", [4], [4]), ("ij,ij->", [2, 3], [2, 3]),
    ("bij,bjk->bik", [2, 3, 4], [2, 4, 2]), ("bij,bkj->bik", [2, 3, 4], [2, 2, 4]), ("bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 3, 4]),
    ("...ij,...jk->...ik", [2, 3, 4], [4, 2]), ("...ij,...jk->...ik", [2, 1, 3, 4], [3, 4, 2]), ("...i->...", [2, 3]), ("i...->i...", [2, 3]), ("...,...->...", [2, 3], [3]),
    ("...ii->...i", [2, 3, 3]), ("i...,i->...", [3, 2], [3]), ("...i,j", [2, 3], [4]),
    ("ij,jk,kl->il", [2, 3], [3, 4], [4, 2]), ("ij,j,k->ik", [2, 3], [3], [2]), ("i,i,i->i", [3], [3], [3]), ("abc,c,b->a", [2, 3, 4], [4], [3]),
    ("ij,kl->ik", [2, 3], [2, 4]), ("ij,jk->ik", [2, 1], [3, 4]), ("ij,jk->ik", [2, 0], [0, 4]), ("iij,jk->ik", [2, 2, 3], [3, 2]), (",->", [], []), ("i,->i", [3], []), ("aB,Bc", [2, 3], [3, 2]), (" i j , j k -> i k ", [2, 3], [3, 4]),
]:
    case("einsum", [spread(s) for s in shapes], [equation, *[T(k) for k in range(len(shapes))]], sums=True)
case("einsum", [spread([2, 3]), spread([3, 2])], ["ij,jk->ik", [T(0), T(1)]], "a list", sums=True)
for equation, *shapes in [("ij,jk->ik", [2, 3]), ("ij->ik", [2, 3]), ("ij->ii", [2, 3]), ("ij", [2, 3, 4]), ("i", []), ("ij,jk->ik", [2, 3], [4, 2]), ("ii", [2, 3]), ("i1->i", [2, 3]), ("......i->i", [2, 3])]:
    refusal("einsum", [spread(s) for s in shapes], [equation, *[T(k) for k in range(len(shapes))]], "equation")

for p, q, args in [([2, 3, 4], [3, 4, 2], []), ([2, 3], [3, 2], [1]), ([2], [3], [0]), ([2, 3, 4], [4, 3, 2], [[[1, 2], [1, 0]]]), ([2, 3, 4], [5, 4], [[[-1], [-1]]]), ([2, 3], [2, 3], [2]), ([2, 3], [1, 4], [1]), ([2, 0], [0, 3], [1])]:
    case("tensordot", [spread(p), spread(q)], args, sums=True)
case("tensordot", [spread([2, 3]), spread([3, 2])], [{"dims": 1}], "options", sums=True)
refusal("tensordot", [spread([2, 3]), spread([2, 3])], [1], "sizes")
refusal("tensordot", [spread([2, 3]), spread([2, 3])], [[[0, 0], [0, 0]]], "twice")
refusal("tensordot", [spread([2, 3]), spread([2, 3])], [[[0], [0, 1]]], "numbers differ")
refusal("tensordot", [spread([2, 3]), spread([2, 3])], [-1], "negative")

for shape in [[2, 3, 2], [2], [3, 1], []]:
    case("baddbmm", [spread(shape), spread([2, 3, 4]), spread([2, 4, 2])], sums=True)
case("baddbmm", [spread([2]), spread([2, 3, 4]), spread([2, 4, 2])], [{"beta": 0.5, "alpha": -2.0}], "options", sums=True)
case("baddbmm", [spread([2]), spread([2, 3, 4]), spread([2, 4, 2])], [{"beta": 0}], "beta 0", sums=True)
refusal("baddbmm", [spread([3]), spread([2, 3, 4]), spread([2, 4, 2])], [], "does not broadcast")
refusal("baddbmm", [spread([2]), spread([3, 4]), spread([4, 2])], [], "no batch")
