"""The filtering algorithm for nearest centroids, compiled; the twin of `assign.BruteForce`.

Kanungo, Mount, Netanyahu, Piatko, Silverman and Wu, "An efficient k-means clustering algorithm:
analysis and implementation", IEEE Transactions on Pattern Analysis and Machine Intelligence 24(7),
2002, section 2: the points stand in a tree of boxes, and on the way down each box drops the
centroids that can be nearest to nothing in it. A box with one left is done as a whole.

Every number that decides is a whole one below 2**53: results are exact, ties go to the lower
index, and the order of the work does not matter.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t

from heapq import heappop, heappush

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

# Points of up to four coordinates; those that are not used are zero everywhere.
cdef enum:
    DIMS = 4
    LEAF = 16  # a box of so few points is not cut further
    WORK = 24  # binary logarithm of the distances that are taken at most at a stroke, about
    POINTS = 1 << 16  # that are put into a tree at a stroke
    DEPTH = 64  # more than 4 coordinates of 14 bits can be halved

cdef struct Node:
    int32_t low, high  # its points, in the order of the tree
    int32_t right  # the second child; the first follows its parent; 0 in a leaf
    int16_t least[DIMS]
    int16_t most[DIMS]
    int64_t weight
    int64_t sum[DIMS]

cdef struct Center:
    double at[DIMS]
    double norm  # squared


cdef class FilterTree:
    """Weighted points, ready to be assigned to centroids again and again.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
        Whole numbers in 0 ... 2**(24 - shift) - 1, N >= 1, D <= 4.
    weights : ndarray, shape (N,), int64
        Positive.
    shift : int
        Centroids are given in units of ``2**-shift`` of a coordinate.
    """

    cdef readonly int count, dims, shift
    cdef int nodes
    cdef int16_t[:, ::1] points
    cdef int64_t[::1] weights
    cdef int32_t[::1] order
    cdef object memory
    cdef Node* tree

    def __init__(self, points, weights, int shift):
        if points.ndim != 2 or weights.shape != points.shape[:1]:
            raise ValueError("points have shape (N, D), weights (N,)")
        self.count, self.dims = points.shape
        if not 1 <= self.dims <= DIMS or self.count < 1:
            raise ValueError("points have 1 to 4 coordinates, and there is at least one")
        if shift < 0 or points.min() < 0 or points.max() > 32767:
            raise ValueError("coordinates are whole numbers of at most 15 bits")
        if int(points.max()) << shift >= 1 << 24:
            raise ValueError("coordinates have at most 24 bits on the grid")
        self.shift = shift
        padded = np.zeros((self.count, DIMS), np.int16)
        padded[:, : self.dims] = points
        self.points = padded
        self.weights = np.array(weights, np.int64)
        self.order = np.arange(self.count, dtype=np.int32)
        # Room for the most nodes there can be; what is not used is never touched.
        self.memory = np.empty((2 * self.count) * sizeof(Node), np.uint8)
        cdef uint8_t[::1] view = self.memory
        self.tree = <Node*> &view[0]
        self.nodes = 0
        self._build(0, self.count)

    cdef int _build(self, int low, int high) except -1:
        """Make the node of the points low ... high - 1, and all below it; return its number.

        After so much of it as does not take long there is a look at whether to go on.
        """
        cdef int number = self.nodes
        cdef int middle
        if high - low <= POINTS:
            with nogil:
                self._build_small(low, high)
        else:
            with nogil:
                middle = self._add_node(low, high)
            if middle > low:
                heed_stop()
                self._build(low, middle)
                self.tree[number].right = self._build(middle, high)
        heed_stop()
        return number

    cdef int _build_small(self, int low, int high) noexcept nogil:
        """The same without a look."""
        cdef int number = self.nodes
        cdef int middle = self._add_node(low, high)
        if middle > low:
            self._build_small(low, middle)
            self.tree[number].right = self._build_small(middle, high)
        return number

    cdef int _add_node(self, int low, int high) noexcept nogil:
        """Make a node, and cut its points in two; return where the second half begins, or `low`."""
        cdef Node* node = &self.tree[self.nodes]
        cdef int i, d, widest
        cdef int cut
        self.nodes += 1
        node.low, node.high, node.right, node.weight = low, high, 0, 0
        for d in range(DIMS):
            node.least[d] = node.most[d] = self.points[low, d]
            node.sum[d] = 0
        for i in range(low, high):
            node.weight += self.weights[i]
            for d in range(DIMS):
                node.sum[d] += self.weights[i] * self.points[i, d]
                node.least[d] = min(node.least[d], self.points[i, d])
                node.most[d] = max(node.most[d], self.points[i, d])
        widest = 0
        for d in range(1, DIMS):
            if node.most[d] - node.least[d] > node.most[widest] - node.least[widest]:
                widest = d
        if high - low <= LEAF or node.most[widest] == node.least[widest]:
            return low
        cut = (node.least[widest] + node.most[widest] + 1) // 2
        return self._partition(low, high, widest, cut)

    cdef int _partition(self, int low, int high, int d, int cut) noexcept nogil:
        """Bring the points below `cut` to the front; return where the others begin."""
        cdef int i = low, j = high - 1, c
        cdef int16_t number
        while True:
            while i <= j and self.points[i, d] < cut:
                i += 1
            while i <= j and self.points[j, d] >= cut:
                j -= 1
            if i >= j:
                return i
            for c in range(DIMS):
                number = self.points[i, c]
                self.points[i, c] = self.points[j, c]
                self.points[j, c] = number
            self.weights[i], self.weights[j] = self.weights[j], self.weights[i]
            self.order[i], self.order[j] = self.order[j], self.order[i]

    def moments(self, centroids, int part=0, int parts=1):
        """Weight and weighted sum of the points that are nearest to each centroid.

        Parameters
        ----------
        centroids : ndarray, shape (K, D), int64
            In 0 ... 2**24 - 1, on the grid of `shift`.
        part, parts : int
            Only this part of the points, of so many: each can be had in a thread of its own.

        Returns
        -------
        totals : ndarray, shape (K,), int64
        sums : ndarray, shape (K, D), int64
            In the unit of the points.
        """
        return self._assigned(centroids, None, part, parts)

    def label(self, centroids, int32_t[::1] labels, int part=0, int parts=1):
        """Write the number of the nearest centroid of each point to `labels`, shape (N,)."""
        if labels.shape[0] != self.count:
            raise ValueError("a label for each point")
        self._assigned(centroids, labels, part, parts)

    def _assigned(self, centroids, int32_t[::1] labels, int part, int parts):
        cdef int k = len(centroids)
        if k < 1 or centroids.ndim != 2 or centroids.shape[1] != self.dims:
            raise ValueError("centroids have as many coordinates as points")
        if not 0 <= part < parts:
            raise ValueError("no such part")
        padded = np.zeros((k, DIMS + 1))
        padded[:, : self.dims] = centroids
        # Whole numbers below 2**50: exact in any order.
        padded[:, DIMS] = (padded[:, :DIMS] ** 2).sum(axis=1)
        totals = np.zeros(k, np.int64)
        sums = np.zeros((k, DIMS), np.int64)
        lists = np.empty(DEPTH * k, np.int32)
        cdef double[:, ::1] centers = padded
        cdef int64_t[::1] total = totals
        cdef int64_t[:, ::1] sum_ = sums
        cdef int32_t[::1] list_ = lists
        cdef int32_t* label = &labels[0] if labels is not None else NULL
        cdef int32_t[::1] roots = np.array(self._roots(k, part, parts), np.int32)
        cdef int i
        for i in range(k):
            list_[i] = i
        for i in range(roots.shape[0]):
            with nogil:
                self._descend(
                    roots[i], <Center*> &centers[0, 0], &list_[0], k, &total[0], &sum_[0, 0], label
                )
            heed_stop()
        return totals, sums[:, : self.dims]

    def _roots(self, int k, int part, int parts):
        """The nodes of a part: subtrees of about the same size, dealt out in turn.

        None of them takes long, so that there is a look at whether to go on after each.
        """
        cdef int node, child
        wanted = max(8 * parts if parts > 1 else 1, min(1024, <int64_t> self.count * k >> WORK))
        nodes = [(0, 0)]
        while len(nodes) < wanted and self.tree[<int> nodes[0][1]].right:
            node = heappop(nodes)[1]
            for child in (node + 1, self.tree[node].right):
                heappush(nodes, (self.tree[child].low - self.tree[child].high, child))
        return [node for _, node in nodes[part::parts]]

    cdef void _descend(
        self, int number, Center* centers, int32_t* list_, int k,
        int64_t* totals, int64_t* sums, int32_t* labels,
    ) noexcept nogil:
        """Assign the points of a node among the k centroids of a list, in ascending order."""
        cdef Node* node = &self.tree[number]
        cdef int i, d
        cdef int32_t* kept = list_ + k
        if k > 1:
            k = self._filter(node, centers, list_, k, kept)
        else:
            kept = list_
        if k == 1:
            totals[kept[0]] += node.weight
            for d in range(DIMS):
                sums[kept[0] * DIMS + d] += node.sum[d]
            if labels != NULL:
                for i in range(node.low, node.high):
                    labels[self.order[i]] = kept[0]
        elif node.right:
            self._descend(number + 1, centers, kept, k, totals, sums, labels)
            self._descend(node.right, centers, kept, k, totals, sums, labels)
        else:
            self._assign_leaf(node, centers, kept, k, totals, sums, labels)

    cdef int _filter(
        self, Node* node, Center* centers, int32_t* list_, int k, int32_t* kept
    ) noexcept nogil:
        """Drop centroids that are nearest to no point of the node's box; return how many stay."""
        cdef double least[DIMS]
        cdef double most[DIMS]
        cdef double twice[DIMS]
        cdef double unit = <double> (1 << self.shift)
        cdef double score, best = 0, at
        cdef int i, d, stay = 0
        cdef int32_t nearest = list_[0]
        cdef Center* star
        cdef Center* other
        for d in range(DIMS):
            least[d] = unit * node.least[d]
            most[d] = unit * node.most[d]
            twice[d] = least[d] + most[d]
        for i in range(k):
            other = &centers[list_[i]]
            score = other.norm - (
                twice[0] * other.at[0] + twice[1] * other.at[1]
                + twice[2] * other.at[2] + twice[3] * other.at[3]
            )
            if i == 0 or score < best:
                best, nearest = score, list_[i]
        star = &centers[nearest]
        for i in range(k):
            other = &centers[list_[i]]
            # How much nearer `star` is, at the corner of the box that is best for `other`.
            score = other.norm - star.norm
            for d in range(DIMS):
                at = other.at[d] - star.at[d]
                score -= 2 * at * (most[d] if at > 0 else least[d])
            if score < 0 or (score == 0 and list_[i] <= nearest) or list_[i] == nearest:
                kept[stay] = list_[i]
                stay += 1
        return stay

    cdef void _assign_leaf(
        self, Node* node, Center* centers, int32_t* list_, int k,
        int64_t* totals, int64_t* sums, int32_t* labels,
    ) noexcept nogil:
        cdef double twice = <double> (2 << self.shift)
        cdef double score, best
        cdef double p[DIMS]
        cdef int i, j, d
        cdef int32_t nearest
        cdef Center* other
        for i in range(node.low, node.high):
            for d in range(DIMS):
                p[d] = twice * self.points[i, d]
            best, nearest = 0, 0
            for j in range(k):
                other = &centers[list_[j]]
                score = other.norm - (
                    p[0] * other.at[0] + p[1] * other.at[1]
                    + p[2] * other.at[2] + p[3] * other.at[3]
                )
                if j == 0 or score < best:
                    best, nearest = score, list_[j]
            totals[nearest] += self.weights[i]
            for d in range(DIMS):
                sums[nearest * DIMS + d] += self.weights[i] * self.points[i, d]
            if labels != NULL:
                labels[self.order[i]] = nearest
