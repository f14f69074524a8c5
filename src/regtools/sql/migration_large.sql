-- Answers: which of these manifests lead to something larger than the destination takes?
-- Parameters: $max_layer and $max_manifest in bytes, NULL: no limit; tables migration_reach, nodes.
-- Columns: place, node, digest (of what is too large), size, role.
WITH
large AS (
    SELECT layers.snapshot, layers.manifest, layers.blob AS digest, layers.size, 'layer' AS role
    FROM layers
    WHERE NOT layers."foreign" AND layers.size > $max_layer::BIGINT
    UNION ALL
    SELECT snapshot, digest, digest, size, 'manifest'
    FROM manifests
    WHERE size > $max_manifest::BIGINT
)
SELECT
    migration_reach.place,
    migration_reach.top AS node,
    max_by(large.digest, large.size) AS digest,
    max(large.size) AS size,
    max_by(large.role, large.size) AS role
FROM migration_reach
JOIN nodes USING (node)
JOIN large ON large.snapshot = nodes.snapshot AND large.manifest = nodes.digest
GROUP BY migration_reach.place, migration_reach.top
