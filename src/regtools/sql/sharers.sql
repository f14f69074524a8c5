-- Answers: who has this blob or manifest: which tag, in which manifest, at which place?
-- Parameters: $digest; tables places, nodes, roots, items, reach of one state, layers.
-- Columns: registry, repository, tag ('': untagged), digest (of the manifest), role, platform,
--          position (empty: no layer), size, foreign, dedup_scope, complete.
WITH
named AS (
    SELECT digest AS manifest, 'manifest' AS role, NULL::BIGINT AS position, FALSE AS elsewhere
    FROM nodes
    WHERE digest = $digest
    UNION
    SELECT digest, 'config', NULL, FALSE FROM nodes WHERE config_digest = $digest
    UNION
    SELECT manifest, 'layer', position, "foreign" FROM layers WHERE blob = $digest
),
manifests_named AS (
    SELECT items.item, min(nodes.platform) AS platform, named.*
    FROM named
    JOIN nodes ON nodes.digest = named.manifest
    JOIN items ON items.digest = named.manifest
    GROUP BY ALL
)
SELECT DISTINCT
    places.registry,
    places.repository,
    coalesce(roots.tag, '') AS tag,
    named.manifest AS digest,
    named.role,
    coalesce(named.platform, '') AS platform,
    named.position,
    blob.size,
    named.elsewhere AS "foreign",
    places.dedup_scope,
    places.complete AND blob.known AS complete
FROM manifests_named AS named
JOIN items AS blob ON blob.digest = $digest
JOIN reach ON reach.item = named.item
JOIN roots USING (root)
JOIN places USING (place)
WHERE NOT roots.follows
ORDER BY registry, repository, tag, digest, position NULLS FIRST, role
