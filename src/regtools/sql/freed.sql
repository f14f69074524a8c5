-- Answers: how many bytes go with the manifests that go, and how many stay, as a set: what two of
--          them share goes when both do?
-- Parameters: $apart: whether repositories whose sharing is unknown are taken to share nothing;
--             tables places, nodes, held.
-- Columns: registry, bytes_freed, bytes_kept, known (all sizes are).
WITH
bounds AS (
    SELECT place, registry, CASE WHEN $apart THEN storage ELSE scope END AS bound FROM places
),
manifests_held AS (
    SELECT bounds.bound, held.node, bool_or(held.kept) AS kept
    FROM held
    JOIN bounds USING (place)
    GROUP BY bounds.bound, held.node
),
pieces AS (
    SELECT bound, digest, size, TRUE AS stored, kept
    FROM manifests_held
    JOIN nodes USING (node)
    UNION ALL
    SELECT bound, config_digest, config_size, TRUE, kept
    FROM manifests_held
    JOIN nodes USING (node)
    WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT bound, layers.blob, layers.size, NOT layers."foreign", kept
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
    JOIN manifests_held USING (node)
),
blobs AS (
    SELECT bound, max(size) AS size, bool_or(kept) AS kept
    FROM pieces
    GROUP BY bound, digest
    HAVING bool_or(stored)
)
SELECT
    registries.registry,
    coalesce(sum(size) FILTER (WHERE NOT kept), 0) AS bytes_freed,
    coalesce(sum(size) FILTER (WHERE kept), 0) AS bytes_kept,
    count(*) = count(size) AS known
FROM blobs
JOIN (SELECT DISTINCT bound, registry FROM bounds) AS registries USING (bound)
GROUP BY registries.registry
ORDER BY registries.registry
