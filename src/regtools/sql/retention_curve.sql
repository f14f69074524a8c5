-- Answers: how many bytes would go, were the N newest versions of each repository kept, for each N?
-- Parameters: tables places, nodes, links, versions, fixed.
-- Columns: registry, keep_last, versions_kept, bytes_freed, bytes_kept.
WITH RECURSIVE
-- The least N that keeps it; 0: it stays whatever N is.
counted AS (
    SELECT
        place,
        node,
        CASE WHEN selected < holders OR (tagged AND rank IS NULL) THEN 0 ELSE coalesce(rank, 2147483647) END
            AS least
    FROM versions
),
reached AS (
    SELECT place, node, least FROM counted
    UNION
    SELECT place::INTEGER, node::INTEGER, 0 FROM fixed
    UNION
    SELECT reached.place, links.child::INTEGER, reached.least
    FROM reached
    JOIN links
        ON links.parent = reached.node
        AND (links.place IS NULL OR links.place = reached.place)
),
manifests_held AS (
    SELECT places.scope, places.registry, reached.node, min(reached.least) AS least
    FROM reached
    JOIN places USING (place)
    GROUP BY ALL
),
pieces AS (
    SELECT registry, scope, digest, size, TRUE AS stored, least
    FROM manifests_held
    JOIN nodes USING (node)
    UNION ALL
    SELECT registry, scope, config_digest, config_size, TRUE, least
    FROM manifests_held
    JOIN nodes USING (node)
    WHERE config_digest IS NOT NULL
    UNION ALL
    SELECT registry, scope, layers.blob, layers.size, NOT layers."foreign", least
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
    JOIN manifests_held USING (node)
),
blobs AS (
    SELECT registry, max(size) AS size, min(least) AS least
    FROM pieces
    GROUP BY registry, scope, digest
    HAVING bool_or(stored)
),
sizes AS (
    SELECT registry, least, sum(size) AS size FROM blobs GROUP BY registry, least
),
counts AS (
    SELECT places.registry, counted.least, count(*) AS versions
    FROM counted
    JOIN places USING (place)
    GROUP BY places.registry, counted.least
),
steps AS (
    SELECT DISTINCT registry, unnest([0, least - 1, least]) AS keep_last
    FROM (FROM sizes UNION ALL FROM counts) AS changes
    WHERE least BETWEEN 1 AND 2147483646
)
SELECT
    steps.registry,
    steps.keep_last,
    (
        SELECT coalesce(sum(versions), 0)
        FROM counts
        WHERE counts.registry = steps.registry AND counts.least <= steps.keep_last
    ) AS versions_kept,
    coalesce(sum(sizes.size) FILTER (WHERE sizes.least > steps.keep_last), 0) AS bytes_freed,
    coalesce(sum(sizes.size) FILTER (WHERE sizes.least <= steps.keep_last), 0) AS bytes_kept
FROM steps
JOIN sizes ON sizes.registry = steps.registry
GROUP BY steps.registry, steps.keep_last
ORDER BY steps.registry, steps.keep_last
